import Glibc
import Locks

/// Memory of tables, beginning at a cache line.
///
/// Large pieces ask for large pages, which spare most page faults and table walks, and are kept for the next table when one is
/// done with: at each checkpoint all tables are given up and new ones grow to the same sizes, and memory that comes fresh from
/// the system is cleared first, which costs as much as counting. `mostKeptByteCount` bounds what is kept.
enum TableMemory {
    private struct Kept: @unchecked Sendable {
        var pieces: [Int: [UnsafeMutableRawPointer]] = [:]
        var byteCount = 0
    }

    private static let largePage = 2 << 20
    private static let leastKeptByteCount = 1 << 20
    /// As much as the tables of one checkpoint take.
    private static let mostKeptByteCount = 192 << 20
    private static let kept = Lock(Kept())

    /// Memory with undefined content.
    static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
        guard byteCount >= leastKeptByteCount else { return .allocate(byteCount: byteCount, alignment: 64) }
        let used = kept.withLock { kept -> UnsafeMutableRawPointer? in
            guard let piece = kept.pieces[byteCount]?.popLast() else { return nil }
            kept.byteCount -= byteCount
            return piece
        }
        if let used { return used }
        guard byteCount >= 2 * largePage else { return .allocate(byteCount: byteCount, alignment: 64) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: largePage)
        _ = madvise(memory, byteCount, MADV_HUGEPAGE)
        return memory
    }

    /// Gives back what `allocate` gave.
    static func deallocate(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
        let isKept =
            byteCount >= leastKeptByteCount
            && kept.withLock { kept in
                guard kept.byteCount + byteCount <= mostKeptByteCount else { return false }
                kept.pieces[byteCount, default: []].append(memory)
                kept.byteCount += byteCount
                return true
            }
        if !isKept { memory.deallocate() }
    }
}
