import Foundation
import Locks
import Storage

/// The real disk, with operations that fail when told to.
final class FaultyFileSystem: FileSystem {
    /// What may fail.
    enum Operation: Sendable {
        case secure, synchronise, write, create, rename, list
        /// Opening a file of the identity index.
        case openIndex
    }

    private let disk = DiskFileSystem()
    private let failing = Lock<[Operation: StorageError]>([:])
    private let writtenIndexFiles = Lock(0)
    /// Files of the identity index that were written, those that are gone again too.
    var writtenIndexFileCount: Int { writtenIndexFiles.withLock { $0 } }

    /// By name of a segment: the threads that closed a file of it.
    private let closers = Lock<[String: Set<String>]>([:])
    var segmentClosers: [String: Set<String>] { closers.withLock(\.self) }
    /// Files that others have replaced, as segments are: those that are open still, the most that were, and how many are closed.
    private let replaced = Lock((open: Set<String>(), mostOpen: 0, closed: 0))
    var mostReplacedSegmentsOpen: Int { replaced.withLock { $0.mostOpen } }
    var replacedSegmentsClosed: Int { replaced.withLock { $0.closed } }

    fileprivate func noteClosing(_ path: String) {
        guard path.hasSuffix(".log") else { return }
        let thread = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? ""
        closers.withLock { _ = $0[path, default: []].insert(thread.trimmingCharacters(in: .newlines)) }
        replaced.withLock { if $0.open.remove(path) != nil { $0.closed += 1 } }
    }

    static let diskFull = StorageError(
        operation: "secure space in", path: "log", errno: 28, reason: "No space left on device")
    static let broken = StorageError(operation: "synchronise", path: "log", errno: 5, reason: "Input/output error")

    static let outOfDescriptors = StorageError(operation: "open", path: "log", errno: 24, reason: "Too many open files")

    func fail(_ operation: Operation, with error: StorageError?) { failing.withLock { $0[operation] = error } }

    func check(_ operation: Operation) throws(StorageError) {
        if let error = failing.withLock({ $0[operation] }) { throw error }
    }

    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any StorageFile {
        switch mode {
        case .create, .createSecret, .replace: try check(.create)
        case .read, .write: if path.contains("/index/") { try check(.openIndex) }
        }
        return FaultyFile(file: try disk.open(path, mode), system: self)
    }

    func list(_ directory: String) throws(StorageError) -> [String] {
        try check(.list)
        return try disk.list(directory)
    }
    func createDirectory(_ path: String) throws(StorageError) { try disk.createDirectory(path) }
    func exists(_ path: String) -> Bool { disk.exists(path) }
    func rename(_ source: String, to target: String) throws(StorageError) {
        try check(.rename)
        try disk.rename(source, to: target)
        if target.contains("/index/") { writtenIndexFiles.withLock { $0 += 1 } }
        if target.hasSuffix(".log") {
            replaced.withLock {
                $0.open.insert(target)
                $0.mostOpen = max($0.mostOpen, $0.open.count)
            }
        }
    }
    func remove(_ path: String) throws(StorageError) { try disk.remove(path) }
    func synchroniseDirectory(_ path: String) throws(StorageError) { try disk.synchroniseDirectory(path) }
    func lock(_ path: String, exclusively: Bool) throws(StorageError) -> (any FileLock)? {
        try disk.lock(path, exclusively: exclusively)
    }
    func temporaryPath() -> String { disk.temporaryPath() }
    var sqliteVFSName: String? { disk.sqliteVFSName }
}

private final class FaultyFile: StorageFile {
    let file: any StorageFile
    let system: FaultyFileSystem

    init(file: any StorageFile, system: FaultyFileSystem) {
        self.file = file
        self.system = system
    }

    deinit { system.noteClosing(file.path) }

    var path: String { file.path }
    func byteCount() throws(StorageError) -> Int { try file.byteCount() }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(StorageError) -> Int {
        try file.read(into: buffer, at: offset)
    }
    func map(byteCount: Int, at offset: Int) throws(StorageError) -> MappedBytes {
        try file.map(byteCount: byteCount, at: offset)
    }
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError) {
        try system.check(.write)
        try file.write(bytes, at: offset)
    }
    func synchronise() throws(StorageError) {
        try system.check(.synchronise)
        try file.synchronise()
    }
    func secure(byteCount: Int, at offset: Int) throws(StorageError) {
        try system.check(.secure)
        try file.secure(byteCount: byteCount, at: offset)
    }
    func truncate(to byteCount: Int) throws(StorageError) { try file.truncate(to: byteCount) }
}
