/// One thing that a process asks of a simulated disk.
public struct DiskOperation: Hashable, Sendable, CustomStringConvertible {
    /// What is asked.
    public enum Kind: String, CaseIterable, Sendable {
        case open, create, inspect, read, map, write, synchronise, secure, truncate
        case list, exists, createDirectory, rename, remove, synchroniseDirectory, lock
        /// SQLite waits for another connection. Nothing happens to the disk.
        case wait

        /// True when it may change what is on the disk or what of it is durable.
        public var isChange: Bool {
            switch self {
            case .open, .inspect, .read, .map, .list, .exists, .wait: false
            case .create, .write, .synchronise, .secure, .truncate, .createDirectory, .rename, .remove,
                .synchroniseDirectory, .lock:
                true
            }
        }
    }

    /// What is asked.
    public var kind: Kind
    /// Of which file or directory; of a rename, the old name.
    public var path: String
    /// Where in the file; 0 where there is no place.
    public var offset = 0
    /// How many bytes; of a truncation, the new size.
    public var byteCount = 0
    /// The number of operations on this disk before it.
    public var index = 0
    /// The number of operations before it that are changes.
    public var changeIndex = 0

    /// An operation from its parts.
    public init(
        kind: Kind, path: String, offset: Int = 0, byteCount: Int = 0, index: Int = 0, changeIndex: Int = 0
    ) {
        self.kind = kind
        self.path = path
        self.offset = offset
        self.byteCount = byteCount
        self.index = index
        self.changeIndex = changeIndex
    }

    /// One line for a failure's report.
    public var description: String { "#\(index) \(kind.rawValue) \(path) [\(offset), +\(byteCount)]" }
}

/// What goes wrong with an operation.
public enum DiskFault: Hashable, Sendable {
    /// It fails with this error number and nothing of it happens. What a failed `synchronise` should have made durable counts
    /// as clean from then on and is lost at a power cut, though a later call succeeds: so does Linux.
    case error(errno: Int32)
    /// A write of which so many bytes arrive before it fails.
    case shortWrite(byteCount: Int, errno: Int32)
    /// A read or a mapping that covers this place in the file sees these bits flipped; the disk keeps its bytes.
    case flippedBits(offset: Int, mask: UInt8)
}

/// Asked before each operation what goes wrong with it; nil: nothing. It must not use the disk itself.
public typealias FaultPlan = @Sendable (DiskOperation) -> DiskFault?

/// The error numbers that disks give most.
public enum DiskErrorNumber {
    /// Interrupted by a signal.
    public static let interrupted: Int32 = 4
    /// Input or output failed.
    public static let inputOutput: Int32 = 5
    /// No space is left.
    public static let full: Int32 = 28
}
