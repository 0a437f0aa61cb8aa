/// Everything that the engine does to a disk goes through these two protocols, so that a simulated disk can take its place.
///
/// Paths are absolute or relative to the working directory. All calls block and come from the engine's own threads.
public protocol FileSystem: Sendable {
    /// Opens a file.
    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any StorageFile
    /// Names in a directory, sorted, without `.` and `..`.
    func list(_ directory: String) throws(StorageError) -> [String]
    /// Creates a directory and those above it; nothing happens when it is there.
    func createDirectory(_ path: String) throws(StorageError)
    /// True when there is a file or directory.
    func exists(_ path: String) -> Bool
    /// Replaces `target` by `source` in one step.
    func rename(_ source: String, to target: String) throws(StorageError)
    /// Removes a file; nothing happens when there is none.
    func remove(_ path: String) throws(StorageError)
    /// Makes creations, renames and removals in a directory durable.
    func synchroniseDirectory(_ path: String) throws(StorageError)
    /// Takes a lock on a file that is created when missing and not read or written; nil when another process holds it.
    /// The kernel releases it when the process ends, however it ends.
    func lock(_ path: String, exclusively: Bool) throws(StorageError) -> (any FileLock)?
    /// A path for a file that is needed for a while; another one at each call.
    func temporaryPath() -> String
    /// Name of the SQLite VFS that databases of this file system are opened through, valid while the file system lives; nil:
    /// SQLite's own.
    var sqliteVFSName: String? { get }
}

/// How a file is opened.
public enum OpenMode: Sendable {
    /// For reading.
    case read
    /// For reading and writing; it must be there.
    case write
    /// For reading and writing; it must not be there.
    case create
    /// As `create`, and only its owner may read it.
    case createSecret
    /// For reading and writing; emptied when it is there.
    case replace
}

/// An open file. Closed when the last reference goes.
public protocol StorageFile: AnyObject, Sendable {
    /// Where it was opened.
    var path: String { get }
    /// Bytes in the file.
    func byteCount() throws(StorageError) -> Int
    /// Reads at `offset` until the buffer is full or the file ends.
    /// - Returns: the number of bytes read.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(StorageError) -> Int
    /// Shows a part of the file that no one changes any more, without reading what is not looked at. Whoever looked has to
    /// `check` what is shown.
    func map(byteCount: Int, at offset: Int) throws(StorageError) -> MappedBytes
    /// Writes all bytes at `offset`, or throws.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError)
    /// Makes all that was written durable (`fdatasync`). After it has failed once, what is on the disk is unknown.
    func synchronise() throws(StorageError)
    /// Secures space for a range without changing the file's size; throws `ENOSPC` when there is none.
    func secure(byteCount: Int, at offset: Int) throws(StorageError)
    /// Cuts or extends the file.
    func truncate(to byteCount: Int) throws(StorageError)
}

/// A part of a file in memory, for as long as this object lives.
public final class MappedBytes: @unchecked Sendable {
    /// The bytes.
    public let bytes: UnsafeRawBufferPointer
    private let release: () -> Void
    private let failure: () -> StorageError?
    private let forgetting: () -> Void

    /// - Parameters:
    ///   - failure: says whether some of the bytes could not be read.
    ///   - forgetting: takes the pages out of the process's memory, to come back when they are looked at.
    ///   - release: is called at the end of this object's life.
    public init(
        _ bytes: UnsafeRawBufferPointer, failure: @escaping () -> StorageError? = { nil },
        forgetting: @escaping () -> Void = {}, release: @escaping () -> Void
    ) {
        self.bytes = bytes
        self.failure = failure
        self.forgetting = forgetting
        self.release = release
    }

    /// What was looked at is in the process's memory no more; it comes back with the next look.
    func forgetPages() { forgetting() }

    /// Throws when some of what was looked at could not be read: it was as zeros then.
    public func check() throws(StorageError) { if let failure = failure() { throw failure } }

    deinit { release() }
}

/// A held lock; released when the last reference goes, if not before.
public protocol FileLock: AnyObject, Sendable {
    /// Lets others take it.
    func release()
}

/// A failed operation of the file system.
public struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried, such as `write`.
    public var operation: String
    /// On which file.
    public var path: String
    /// The system's error number.
    public var errno: Int32
    /// The system's words for it.
    public var reason: String
    /// Where in the file; nil when that says nothing.
    public var offset: Int?

    /// An error from its parts.
    public init(operation: String, path: String, errno: Int32, reason: String, offset: Int? = nil) {
        self.operation = operation
        self.path = path
        self.errno = errno
        self.reason = reason
        self.offset = offset
    }

    /// True when the disk or a quota is full.
    public var isDiskFull: Bool { errno == 28 || errno == 122 }

    /// True when there is no such file or directory.
    public var isNotFound: Bool { errno == 2 }

    /// True when this user may not do that.
    var isAccessDenied: Bool { errno == 13 || errno == 1 }

    /// True when the process or the system has no descriptor left.
    public var isOutOfDescriptors: Bool { errno == 24 || errno == 23 }

    /// `cannot operation PATH at offset N: reason`.
    public var description: String {
        "cannot \(operation) \(path)\(offset.map { " at offset \($0)" } ?? ""): \(reason)"
    }
}

extension FileSystem {
    /// Creates a directory and those above it, and makes their names durable, also those that an earlier attempt has left.
    public func createDurableDirectory(_ path: String) throws(StorageError) {
        try createDirectory(path)
        var directory = path
        while let parent = parentDirectory(of: directory) {
            do throws(StorageError) {
                try synchroniseDirectory(parent)
            } catch  where error.isAccessDenied {
                // Who may not look into a directory has not made anything in it.
            }
            directory = parent
        }
    }

    /// Puts bytes into a file that only its owner may read. A reader finds what was there or all of the new, also after a crash;
    /// they are durable when this returns.
    public func replaceSecret(_ path: String, with bytes: [UInt8]) throws(StorageError) {
        let draft = path + ".new"
        try remove(draft)
        let file = try open(draft, .createSecret)
        try file.write(bytes, at: 0)
        try file.synchronise()
        try rename(draft, to: path)
        try synchroniseDirectory(parentDirectory(of: path) ?? ".")
    }

    private func parentDirectory(of path: String) -> String? {
        let names = path.split(separator: "/")
        guard let last = names.last, last != ".", last != ".." else { return nil }
        let parent = names.dropLast().joined(separator: "/")
        return path.hasPrefix("/") ? "/" + parent : parent.isEmpty ? "." : parent
    }

    /// Copies a file to a path where there is none, for its owner alone; not durable.
    public func copy(_ source: String, to target: String) throws(StorageError) {
        let (from, to) = (try open(source, .read), try open(target, .createSecret))
        var offset = 0
        while true {
            let bytes = try from.bytes(at: offset, count: 1 << 20)
            if bytes.isEmpty { return }
            try to.write(bytes, at: offset)
            offset += bytes.count
        }
    }
}

extension StorageFile {
    /// Reads exactly `count` bytes at `offset`; fewer when the file ends before.
    public func bytes(at offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        var failure: StorageError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(StorageError) {
                initialized = try self.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]),
                    at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes all of `bytes` at `offset`.
    public func write(_ bytes: [UInt8], at offset: Int) throws(StorageError) {
        var failure: StorageError?
        bytes.withUnsafeBytes { buffer in
            do throws(StorageError) { try self.write(buffer, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
