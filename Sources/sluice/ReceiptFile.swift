import Foundation
import Ledger

/// A file of stored receipts, one JSON object a line. What is there already is kept: receipts are evidence.
struct ReceiptFile {
    private let handle: FileHandle
    private let path: String

    /// Opens a file to add receipts to it; makes it when there is none.
    init(addingTo path: String) throws {
        self.path = path
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw InputOutputError("cannot write to \(path): \(String(cString: strerror(errno)))")
        }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        // A line that was not finished stays by itself.
        let byteCount = try handle.seekToEnd()
        if byteCount > 0 {
            try handle.seek(toOffset: byteCount - 1)
            if try handle.read(upToCount: 1) != Data("\n".utf8) { try write("\n") }
        }
    }

    /// Adds receipts.
    func add(_ receipts: [StoredReceipt]) throws {
        if !receipts.isEmpty { try write(receipts.map(\.line).joined()) }
    }

    /// Makes all that was added durable.
    func synchronise() throws {
        // What is no file on a disk, such as a pipe, has nothing to flush.
        guard fsync(handle.fileDescriptor) == 0 || errno == EINVAL || errno == EROFS else {
            throw InputOutputError("cannot write to \(path): \(String(cString: strerror(errno)))")
        }
    }

    private func write(_ text: String) throws {
        do {
            try handle.write(contentsOf: Data(text.utf8))
        } catch {
            throw InputOutputError("cannot write to \(path): \(reason(of: error))")
        }
    }

    /// Reads all receipts of a file, with their lines.
    static func receipts(in path: String) throws -> [(line: Int, receipt: StoredReceipt)] {
        let bytes: Data
        do {
            bytes =
                try path == "-"
                ? FileHandle.standardInput.readToEnd() ?? Data() : Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw UsageError("cannot read \(path): \(reason(of: error))")
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        var receipts: [(line: Int, receipt: StoredReceipt)] = []
        for (place, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
            do throws(ReceiptError) {
                receipts.append((place + 1, try StoredReceipt(line: line)))
            } catch {
                throw UsageError("\(path), line \(place + 1): no receipt: \(error)")
            }
        }
        if receipts.isEmpty { throw UsageError("\(path) holds no receipt") }
        return receipts
    }
}
