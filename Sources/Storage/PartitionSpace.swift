import Glibc

/// Addresses in which the partitions of one table grow where they lie.
///
/// A partition that doubles into other memory leaves a hole of half its new size. As a thousand of them double at about the
/// same time, the holes would together be as large as the table, and of no use to it. Here each has a range of addresses for
/// all sizes that it may come to. The system puts memory, cleared, behind what was touched and behind nothing else.
final class PartitionSpace {
    /// What a partition may grow to: with all of them, 26 million identities of one date. Larger ones have memory of their own:
    /// the wider the range that a table is spread over, the more page tables a look-up goes through.
    static let slotBits: UInt32 = 15
    private static let partitionByteCount = 8 << Int(slotBits)
    private static let byteCount = Fingerprint.partitionCount * partitionByteCount

    private let start: UnsafeMutableRawPointer

    /// Nil where the system gives no such range.
    init?() {
        let start = mmap(
            nil, PartitionSpace.byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let start, start != MAP_FAILED else { return nil }
        // A large page would lie behind many partitions' first touches, most of it never used.
        _ = madvise(start, PartitionSpace.byteCount, MADV_NOHUGEPAGE)
        self.start = start
    }

    deinit { munmap(start, PartitionSpace.byteCount) }

    /// The slots of a partition, 0 until they are written.
    func slots(ofPartition index: Int) -> UnsafeMutablePointer<UInt64> {
        precondition(index >= 0 && index < Fingerprint.partitionCount)
        return (start + index * PartitionSpace.partitionByteCount).assumingMemoryBound(to: UInt64.self)
    }

    /// Has memory put behind slots that are about to be looked at and written, in one call: each page would be met twice, once
    /// as the page of zeros that is everybody's, and each time every processor would be told. Where the system knows no such
    /// call it happens by itself.
    static func populate(_ slots: UnsafeMutablePointer<UInt64>, byteCount: Int) {
        madvise(slots, byteCount, MADV_POPULATE_WRITE)
    }

    /// Gives the memory of a partition back, which is used no more.
    func release(partition index: Int) {
        madvise(start + index * PartitionSpace.partitionByteCount, PartitionSpace.partitionByteCount, MADV_DONTNEED)
    }
}
