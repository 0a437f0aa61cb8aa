import CPlatform
import Foundation
import Glibc

/// The real disk, by POSIX calls.
public struct DiskFileSystem: FileSystem {
    /// The file system of this process.
    public init() {}

    /// Opens a file, or makes it where the mode says so.
    public func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any StorageFile {
        let flags: Int32 =
            switch mode {
            // A pipe in the place of a file would be waited for without end.
            case .read: O_RDONLY | O_NONBLOCK
            case .write: O_RDWR
            case .create, .createSecret: O_RDWR | O_CREAT | O_EXCL
            case .replace: O_RDWR | O_CREAT | O_TRUNC
            }
        let descriptor = try retrying("open", path) {
            Glibc.open(path, flags | O_CLOEXEC, mode == .createSecret ? 0o600 : 0o640)
        }
        let file = DiskFile(path: path, descriptor: descriptor)
        var status = stat()
        if mode == .read, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFIFO {
            throw StorageError(operation: "open", path: path, errno: EINVAL, reason: "it is a pipe, expected a file")
        }
        return file
    }

    /// The names in a directory, sorted.
    public func list(_ directory: String) throws(StorageError) -> [String] {
        let descriptor = try retrying("list", directory) {
            Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard let stream = fdopendir(descriptor) else {
            let error = StorageError("list", directory)
            close(descriptor)
            throw error
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            // Nil means the end or a failure, which `errno` alone tells apart: names that are left out would be segments lost.
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw StorageError("list", directory) }
                return names.sorted()
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    /// Makes a directory and those above it; one that is there already is left as it is.
    public func createDirectory(_ path: String) throws(StorageError) {
        if mkdir(path, 0o750) == 0 { return }
        let reason = errno
        if reason == EEXIST, isDirectory(path) { return }
        let parent = (path as NSString).deletingLastPathComponent
        guard reason == ENOENT, !parent.isEmpty, parent != path else {
            throw StorageError("create directory", path, errno: reason)
        }
        try createDirectory(parent)
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw StorageError("create directory", path) }
    }

    /// True when there is a file or directory at `path`.
    public func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Renames a file; one at the new path is replaced in one step.
    public func rename(_ source: String, to target: String) throws(StorageError) {
        guard Glibc.rename(source, target) == 0 else { throw StorageError("rename", source) }
    }

    /// Removes a file.
    public func remove(_ path: String) throws(StorageError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw StorageError("remove", path) }
    }

    /// Makes what was created, renamed and removed in a directory durable.
    public func synchroniseDirectory(_ path: String) throws(StorageError) {
        let descriptor = try retrying("open", path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { close(descriptor) }
        _ = try retrying("synchronise", path) { fsync(descriptor) }
    }

    /// Takes the lock of a file, without waiting; nil when another holds it.
    public func lock(_ path: String, exclusively: Bool) throws(StorageError) -> (any FileLock)? {
        // A reader may lack the right to write: it then locks the file that is there.
        let descriptor: Int32
        do throws(StorageError) {
            descriptor = try retrying("lock", path) { Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640) }
        } catch  where !exclusively {
            descriptor = try retrying("lock", path) { Glibc.open(path, O_RDONLY | O_CLOEXEC) }
        }
        while flock(descriptor, (exclusively ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 {
            let reason = errno
            if reason == EINTR { continue }
            close(descriptor)
            if reason == EWOULDBLOCK { return nil }
            throw StorageError("lock", path, errno: reason)
        }
        return DiskLock(descriptor: descriptor)
    }

    /// A new name in the directory for temporary files.
    public func temporaryPath() -> String { NSTemporaryDirectory() + "/sluice-" + UUID().uuidString }

    /// SQLite's own.
    public var sqliteVFSName: String? { nil }

    private func isDirectory(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }
}

private final class DiskLock: FileLock {
    let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    func release() { flock(descriptor, LOCK_UN) }

    deinit { close(descriptor) }
}

private final class DiskFile: StorageFile {
    let path: String
    let descriptor: Int32

    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    func byteCount() throws(StorageError) -> Int {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw StorageError("inspect", path) }
        return Int(information.st_size)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(StorageError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = try retrying("read", path, at: offset + done) {
                pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func map(byteCount: Int, at offset: Int) throws(StorageError) -> MappedBytes {
        let pageByteCount = sysconf(Int32(_SC_PAGESIZE))
        let start = offset / pageByteCount * pageByteCount
        let length = offset - start + byteCount
        var base: UnsafeRawPointer?
        let mapping = sluice_map_guarded(descriptor, Int64(start), length, &base)
        guard mapping >= 0, let base else { throw StorageError("map", path, at: offset, errno: -mapping) }
        let bytes = UnsafeRawBufferPointer(start: base + (offset - start), count: byteCount)
        return MappedBytes(bytes) { [path] in
            sluice_mapping_has_failed(mapping) == 0 ? nil : StorageError("read", path, at: offset, errno: EIO)
        } forgetting: {
            sluice_forget_guarded(mapping)
        } release: {
            sluice_unmap_guarded(mapping)
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError) {
        var done = 0
        while done < bytes.count {
            done += try retrying("write", path, at: offset + done) {
                pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            }
        }
    }

    func synchronise() throws(StorageError) {
        // What was interrupted has neither written nor forgotten anything: only another outcome decides.
        _ = try retrying("synchronise", path) { fdatasync(descriptor) }
    }

    func secure(byteCount: Int, at offset: Int) throws(StorageError) {
        let result = sluice_allocate(descriptor, Int64(offset), Int64(byteCount))
        // Where the file system cannot secure space ahead, a full disk shows at the write.
        guard result == 0 || result == EOPNOTSUPP else { throw StorageError("secure space in", path, errno: result) }
    }

    func truncate(to byteCount: Int) throws(StorageError) {
        _ = try retrying("truncate", path) { ftruncate(descriptor, off_t(byteCount)) }
    }
}

extension StorageError {
    init(_ operation: String, _ path: String, at offset: Int? = nil, errno number: Int32 = Glibc.errno) {
        self.init(
            operation: operation, path: path, errno: number, reason: String(cString: strerror(number)), offset: offset)
    }
}

private func retrying<Result: FixedWidthInteger & SignedInteger>(
    _ operation: String, _ path: String, at offset: Int? = nil, _ call: () -> Result
) throws(StorageError) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        guard errno == EINTR else { throw StorageError(operation, path, at: offset) }
    }
}
