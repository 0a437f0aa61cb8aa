import Synchronization

/// What the bodies of requests with transactions may hold.
public struct IntakeLimits: Sendable {
    /// Bytes of a body.
    public var largestBodyByteCount = 16 << 20
    /// Transactions of a body.
    public var largestItemCount = 100_000
    /// Bytes of all bodies that are read at a time, with their records.
    public var memoryByteCount = 256 << 20

    /// The defaults.
    public init() {}
}

/// Readers that wait for another body.
final class ReaderPool: Sendable {
    private static let mostOfFormat = 8

    private let idle = Mutex<[BodyReader.Format: [BodyReader]]>([:])

    func take(_ format: BodyReader.Format) -> BodyReader? { idle.withLock { $0[format]?.popLast() } }

    func give(_ reader: BodyReader) {
        idle.withLock { idle in
            guard idle[reader.format]?.count ?? 0 < ReaderPool.mostOfFormat else { return }
            idle[reader.format, default: []].append(reader)
        }
    }
}

/// Memory that requests share.
final class ByteBudget: Sendable {
    private let free: Mutex<Int>

    init(_ byteCount: Int) { free = Mutex(byteCount) }

    /// Takes bytes; false when there are not so many.
    func take(_ byteCount: Int) -> Bool {
        free.withLock { free in
            guard byteCount <= free else { return false }
            free -= byteCount
            return true
        }
    }

    func giveBack(_ byteCount: Int) { free.withLock { $0 += byteCount } }
}
