import CSQLite
import Storage

/// A file that SQLite has open on a simulated disk.
final class DatabaseFile {
    let vfs: SimulatedVFS
    /// Keeps the VFS registered.
    private let disk: SimulatedDisk
    private let file: SimulatedFile
    var number: Int { file.number }
    /// A journal that was just created, or by an earlier process that was killed: SQLite's Unix VFS flushes the directory with
    /// the first flush of a journal that it would have created.
    private var needsDirectoryFlush: Bool

    init(vfs: SimulatedVFS, disk: SimulatedDisk, file: SimulatedFile, mayBeNewJournal: Bool) {
        self.vfs = vfs
        self.disk = disk
        self.file = file
        needsDirectoryFlush = mayBeNewJournal
        vfs.locks.withLock { $0.open(file.number) }
    }

    func close() { vfs.locks.withLock { $0.close(file.number, by: ObjectIdentifier(self)) } }

    /// What lies beyond the end reads as zeros, and SQLite wants to know.
    func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int32 {
        do throws(StorageError) {
            let count = try file.read(into: buffer, at: offset)
            if count == buffer.count { return SQLITE_OK }
            UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).initializeMemory(as: UInt8.self, repeating: 0)
            return ResultCode.shortRead
        } catch {
            return ResultCode.read
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int32 {
        ResultCode.of(ResultCode.write) { () throws(StorageError) in try file.write(bytes, at: offset) }
    }

    func truncate(to byteCount: Int) -> Int32 {
        ResultCode.of(ResultCode.truncate) { () throws(StorageError) in try file.truncate(to: byteCount) }
    }

    func synchronise() -> Int32 {
        ResultCode.of(ResultCode.synchronise) { () throws(StorageError) in
            try file.synchronise()
            guard needsDirectoryFlush else { return }
            needsDirectoryFlush = false
            // As in SQLite's Unix VFS, whether this succeeds is not looked at.
            try? disk.synchroniseDirectory(SimulatedVFS.directory(of: file.path))
        }
    }

    func inspect(_ byteCount: inout Int64) -> Int32 {
        ResultCode.of(ResultCode.inspect) { () throws(StorageError) in byteCount = Int64(try file.byteCount()) }
    }
}

/// SQLite's extended result codes; their macros are not seen from Swift.
enum ResultCode {
    static let read = SQLITE_IOERR | 1 << 8
    static let shortRead = SQLITE_IOERR | 2 << 8
    static let write = SQLITE_IOERR | 3 << 8
    static let synchronise = SQLITE_IOERR | 4 << 8
    static let synchroniseDirectory = SQLITE_IOERR | 5 << 8
    static let truncate = SQLITE_IOERR | 6 << 8
    static let inspect = SQLITE_IOERR | 7 << 8
    static let delete = SQLITE_IOERR | 10 << 8
    static let nothingToDelete = SQLITE_IOERR | 23 << 8

    /// The code of what `body` does: a full disk has its own, any other error is `failure`.
    static func of(_ failure: Int32, _ body: () throws(StorageError) -> Void) -> Int32 {
        do throws(StorageError) {
            try body()
            return SQLITE_OK
        } catch {
            return error.isDiskFull ? SQLITE_FULL : failure
        }
    }
}
