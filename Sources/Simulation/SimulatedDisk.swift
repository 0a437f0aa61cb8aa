import Glibc
import Storage
import Synchronization

/// A disk in memory that loses what a real one may lose.
///
/// It behaves as a file system above a page cache. Processes see what was written at once. A file's bytes and size are durable
/// when its `synchronise` has returned; a name is durable when `synchroniseDirectory` of its directory has, and that is another
/// thing: a flushed file whose name was never flushed may be gone after a power cut. A file without a name lives as long as
/// somebody has it open.
///
/// A crash is made from an image, which can be taken at any operation: `init(afterProcessCrash:)` keeps all that was written,
/// `init(afterPowerCut:damage:)` what was durable and what the damage leaves of the rest. The disk that the image was taken of
/// goes on, unharmed. Nothing depends on time, chance or addresses: the same calls leave the same bytes.
public final class SimulatedDisk: FileSystem {
    /// What a disk is made with.
    public struct Settings: Hashable, Sendable {
        /// Decides all that is by chance.
        public var seed: UInt64
        /// Files may take up so many bytes in all; nil: without limit.
        public var capacityByteCount: Int?
        /// Flushes of files say that all is well and make nothing durable, as a disk with a lying cache.
        public var ignoresFlushes: Bool

        /// Settings from their parts.
        public init(seed: UInt64 = 0, capacityByteCount: Int? = nil, ignoresFlushes: Bool = false) {
            self.seed = seed
            self.capacityByteCount = capacityByteCount
            self.ignoresFlushes = ignoresFlushes
        }
    }

    /// When an observer is told of an operation.
    public enum Moment: Sendable {
        /// Nothing of it has happened yet.
        case before
        /// It has happened, or failed.
        case after
    }

    /// Told of an operation while no other one happens; `image` gives the disk at this moment. It must not use the disk itself.
    public typealias Observer =
        @Sendable (_ operation: DiskOperation, _ moment: Moment, _ image: () -> DiskImage) -> Void

    /// Called before each operation, on the thread that asks for it and outside of all locks: a scheduler may hold it there.
    public typealias Hook = @Sendable (_ kind: DiskOperation.Kind, _ path: String) -> Void

    struct Live {
        var state: DiskState
        var settings: Settings
        var operationCount = 0
        var changeCount = 0
        /// How many have each file open.
        var openCounts: [Int: Int] = [:]
        /// Locks of files: -1: held exclusively, else how many share it.
        var locks: [Int: Int] = [:]
        var temporaryCount = 0
        var faults: FaultPlan?
        var observer: Observer?
        var image: DiskImage { DiskImage(state: state, settings: settings) }
    }

    /// A function that is kept in a generic place by itself is wrapped anew at each access, deeper and deeper; in a structure
    /// it is not.
    private struct HookBox {
        var hook: Hook?
    }

    let live: Mutex<Live>
    private let hook = Mutex(HookBox())
    private let vfs = Mutex<SimulatedVFS?>(nil)

    private init(_ state: DiskState, _ settings: Settings) { live = Mutex(Live(state: state, settings: settings)) }

    /// An empty disk.
    public convenience init(_ settings: Settings = Settings()) {
        var state = DiskState()
        do throws(StorageError) { try state.createDirectory(SimulatedDisk.temporaryDirectory) } catch {}
        state.synchroniseDirectory(0)
        self.init(state, settings)
    }

    /// What the next process finds after one was killed: all that was written, no locks, no open files.
    public convenience init(afterProcessCrash image: DiskImage) {
        var state = image.state
        state.forgetUnreachable { _ in false }
        self.init(state, image.settings)
    }

    /// What the next process finds after the machine lost its power: what was durable, and what `damage` leaves of the rest.
    public convenience init(afterPowerCut image: DiskImage, damage: PowerCut) {
        self.init(PowerCutDamage(damage, image.state).result(), image.settings)
    }

    // MARK: Control

    /// The disk at this moment.
    public func image() -> DiskImage { live.withLock { $0.image } }

    /// Operations so far.
    public var operationCount: Int { live.withLock { $0.operationCount } }

    /// Operations so far that are changes.
    public var changeCount: Int { live.withLock { $0.changeCount } }

    /// What it was made with; the capacity may change.
    public var settings: Settings { live.withLock { $0.settings } }

    /// Bytes that files take up, secured space included.
    public var occupiedByteCount: Int { live.withLock { $0.occupiedByteCount } }

    /// Makes the disk smaller or larger; nil: without limit. What is on it stays.
    public func setCapacity(byteCount: Int?) { live.withLock { $0.settings.capacityByteCount = byteCount } }

    /// Decides from now on what goes wrong; nil: nothing does.
    public func setFaults(_ plan: FaultPlan?) { live.withLock { $0.faults = plan } }

    /// Tells `observer` of every operation from now on; nil: nobody.
    public func setObserver(_ observer: Observer?) { live.withLock { $0.observer = observer } }

    /// Calls `hook` before every operation from now on; nil: nothing.
    public func setHook(_ hook: Hook?) { self.hook.withLock { $0.hook = hook } }

    /// Flips bits of a file at rest, for every reader and for good. No operation.
    /// - Throws: `StorageError` when there is no such file.
    public func flipBits(of path: String, at offset: Int, mask: UInt8) throws(StorageError) {
        try live.withLock { live throws(StorageError) in
            guard let file = try live.state.file(path) else { throw StorageError("find", path, DiskState.noEntry) }
            live.state.flipBits(of: file, at: offset, mask: mask)
        }
    }

    // MARK: FileSystem

    /// Opens a file, or makes it where the mode says so.
    public func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any StorageFile {
        let isNew =
            switch mode {
            case .read, .write: false
            case .create, .createSecret, .replace: true
            }
        let number = try perform(isNew ? .create : .open, path) { live, _ throws(StorageError) in
            let number = try live.openFile(path, mode)
            live.openCounts[number, default: 0] += 1
            return number
        }
        return SimulatedFile(disk: self, number: number, path: path, mayWrite: mode.mayWrite)
    }

    /// The names in a directory, sorted.
    public func list(_ directory: String) throws(StorageError) -> [String] {
        try perform(.list, directory) { live, _ throws(StorageError) in
            live.state.directories[try live.state.directory(directory)]!.current.keys.sorted()
        }
    }

    /// Makes a directory and those above it; one that is there already is left as it is.
    public func createDirectory(_ path: String) throws(StorageError) {
        try perform(.createDirectory, path) { live, _ throws(StorageError) in try live.state.createDirectory(path) }
    }

    /// True when there is a file or directory at `path`, and looking for it does not fail.
    public func exists(_ path: String) -> Bool {
        let entry = try? perform(.exists, path) { live, _ throws(StorageError) in try live.state.entry(path) }
        return (entry ?? nil) != nil
    }

    /// Renames a file; one at the new path is replaced in one step.
    public func rename(_ source: String, to target: String) throws(StorageError) {
        try perform(.rename, source) { live, _ throws(StorageError) in try live.state.rename(source, to: target) }
    }

    /// Removes a file.
    public func remove(_ path: String) throws(StorageError) {
        try perform(.remove, path) { live, _ throws(StorageError) in try live.state.remove(path) }
    }

    /// Makes what was created, renamed and removed in a directory durable.
    public func synchroniseDirectory(_ path: String) throws(StorageError) {
        try perform(.synchroniseDirectory, path) { live, _ throws(StorageError) in
            live.state.synchroniseDirectory(try live.state.directory(path))
            live.forgetUnreachable()
        }
    }

    /// Takes the lock of a file, without waiting; nil when another opener holds it.
    public func lock(_ path: String, exclusively: Bool) throws(StorageError) -> (any FileLock)? {
        let number = try perform(.lock, path) { live, _ throws(StorageError) -> Int? in
            var known = try live.state.file(path)
            if known == nil { known = try live.state.createFile(path) }
            let number = known!
            let holders = live.locks[number] ?? 0
            guard exclusively ? holders == 0 : holders >= 0 else { return nil }
            live.locks[number] = exclusively ? -1 : holders + 1
            return number
        }
        return number.map { SimulatedLock(disk: self, number: $0) }
    }

    /// A new name in `/tmp`.
    public func temporaryPath() -> String {
        live.withLock { live in
            live.temporaryCount += 1
            return "\(SimulatedDisk.temporaryDirectory)/\(live.temporaryCount)"
        }
    }

    /// A VFS for this disk alone.
    public var sqliteVFSName: String? {
        let seed = settings.seed
        return vfs.withLock { vfs in
            if vfs == nil { vfs = SimulatedVFS(self, seed: seed) }
            return vfs!.name
        }
    }

    private static let temporaryDirectory = "/tmp"

    // MARK: What only SQLite asks for

    /// True when there is a file with at least one byte.
    func holdsBytes(_ path: String) -> Bool {
        let result = try? perform(.exists, path) { live, _ throws(StorageError) in
            try live.state.file(path).map { live.state.files[$0]!.current.byteCount > 0 }
        }
        return (result ?? nil) == true
    }

    /// Lets others go on until they let go of what this thread waits for.
    func wait() {
        _ = try? perform(.wait, "") { _, _ in }
        sched_yield()
    }

    // MARK: Operations

    /// Does one operation: hook, observer, fault, body, observer. `onError` happens in the place of `body` when the plan says
    /// that it fails.
    func perform<Result>(
        _ kind: DiskOperation.Kind, _ path: String, offset: Int = 0, byteCount: Int = 0,
        onError: (inout Live) -> Void = { _ in },
        _ body: (inout Live, DiskFault?) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        hook.withLock { $0.hook }?(kind, path)
        return try live.withLock { live throws(StorageError) -> Result in
            let operation = DiskOperation(
                kind: kind, path: path, offset: offset, byteCount: byteCount, index: live.operationCount,
                changeIndex: live.changeCount)
            live.operationCount += 1
            if kind.isChange { live.changeCount += 1 }
            if let observer = live.observer { observer(operation, .before, { live.image }) }
            defer { if let observer = live.observer { observer(operation, .after, { live.image }) } }
            let fault = live.faults?(operation)
            if case .error(let errno) = fault {
                onError(&live)
                throw StorageError(kind.rawValue, path, errno)
            }
            return try body(&live, fault)
        }
    }
}
