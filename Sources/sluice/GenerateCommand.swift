import ArgumentParser
import Formats
import Foundation
import ReferenceDay
import Transactions

struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Write the reference day, or a part of it.",
        discussion: """
            A day of a national switch as docs/reference-day.md specifies it, late resends and conflicts included. \
            The same day, count and seed give the same bytes.

            EXAMPLES
              sluice generate --day 2026-11-20 --count 1000000 --output day.raw
              sluice generate --day 2026-11-20 --count 1000 --format csv | head
            """)

    @Option(help: "The UTC date (yyyy-MM-dd).") var day: CalendarDay
    @Option(help: "Records in all.") var count: Int
    @Option(help: "Another seed gives another day.") var seed: UInt64 = 1
    @Option(help: "raw, csv or ndjson.") var format = FileFormat.raw
    @Option(help: "A file to write; standard output when absent.", completion: .file()) var output: String?

    func validate() throws {
        guard count >= 0 else { throw ValidationError("--count \(count): expected 0 or more") }
    }

    func run() async throws {
        try await reportingErrors {
            if format == .raw, output == nil, isatty(STDOUT_FILENO) == 1 {
                throw UsageError("raw records are not for a terminal: name a file with --output, or redirect")
            }
            try ReferenceDay(day: day, count: count, seed: seed).write(as: format, to: try outputFile())
        }
    }

    private func outputFile() throws -> FileHandle {
        guard let output else { return .standardOutput }
        guard FileManager.default.createFile(atPath: output, contents: nil),
            let file = FileHandle(forWritingAtPath: output)
        else { throw InputOutputError("cannot write to \(output): \(String(cString: strerror(errno)))") }
        return file
    }
}

extension ReferenceDay {
    /// Writes all records.
    func write(as format: FileFormat, to file: FileHandle) throws {
        var generator = self
        var writer = RecordWriter(format)
        let buffer = UnsafeMutableBufferPointer<Record>.allocate(capacity: 16_384)
        defer { buffer.deallocate() }
        while true {
            let count = generator.fill(buffer)
            writer.write(UnsafeBufferPointer(rebasing: buffer[..<count]))
            try file.write(contentsOf: Data(writer.take()))
            if count == 0 { break }
        }
    }
}
