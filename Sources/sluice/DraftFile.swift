import Foundation

/// A file that is made under another name and gets its own when it is whole; a signal that ends the command leaves nothing
/// behind. One at a time.
enum DraftFile {
    /// Read by the handler of signals, which may do little: its memory is never given back.
    nonisolated(unsafe) private static var draftPath: UnsafeMutablePointer<CChar>?

    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    /// - Parameter write: makes the file under the name that it is given.
    static func make(_ path: String, _ write: (String) throws -> Void) throws {
        let draft = path + ".new"
        try? FileManager.default.removeItem(atPath: draft)
        draftPath = strdup(draft)
        for signal in signals {
            _ = Glibc.signal(signal) { number in
                if let path = DraftFile.draftPath { unlink(path) }
                _ = Glibc.signal(number, SIG_DFL)
                raise(number)
            }
        }
        defer {
            for signal in signals { _ = Glibc.signal(signal, SIG_DFL) }
            draftPath = nil
        }
        do {
            try write(draft)
            try synchronise(draft)
        } catch {
            try? FileManager.default.removeItem(atPath: draft)
            throw error
        }
        guard rename(draft, path) == 0 else {
            throw InputOutputError("cannot write to \(path): \(String(cString: strerror(errno)))")
        }
    }

    private static func synchronise(_ path: String) throws {
        guard let file = FileHandle(forWritingAtPath: path) else { throw InputOutputError("\(path) is gone") }
        try file.synchronize()
        try file.close()
    }
}
