import ArgumentParser
import Formats
import Foundation

/// A file of records that a command reads, or standard input, with what is in it.
struct InputFile {
    let name: String
    let format: FileFormat

    /// - Parameters:
    ///   - name: a path; `-` is standard input.
    ///   - format: what is in it; nil: as the file's name says.
    init(_ name: String, format: FileFormat?) throws(UsageError) {
        guard !name.hasSuffix(".gz") else {
            throw UsageError("\(name) is compressed; load it with: gunzip -c \(name) | sluice load - --format csv ...")
        }
        guard let format = format ?? FileFormat(fileName: name) else {
            throw UsageError("what is in \(name == "-" ? "standard input" : name)? Say --format csv, ndjson or raw")
        }
        (self.name, self.format) = (name, format)
    }

    func open() throws(UsageError) -> FileHandle {
        if name == "-" { return .standardInput }
        guard let file = FileHandle(forReadingAtPath: name) else {
            throw UsageError("cannot read \(name): \(String(cString: strerror(errno)))")
        }
        return file
    }

    /// An error of reading it, with its name.
    func told(_ error: any Error) -> any Error {
        switch error {
        case let error as FormatError: FormatError("\(name): \(error)")
        case let error as CocoaError: InputOutputError("cannot read \(name): \(reason(of: error))")
        default: error
        }
    }
}

extension FileFormat: ExpressibleByArgument {
    /// `raw`, which may also be called `binary`, `csv` or `ndjson`.
    public init?(argument: String) { self.init(word: argument) }
}
