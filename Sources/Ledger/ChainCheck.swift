import Columns
import Storage
import Transactions

/// Holds what the headers of a log say of the chain against its records, block after block. After a gap it goes on with the first
/// link that a later header gives and all of whose records since can be read.
struct ChainCheck {
    private var hasher: ChainHasher? = ChainHasher()
    /// After a gap: the records since, as far back as the next header's link may reach.
    private var pending: [Record] = []
    private var pendingStart: UInt64 = 1

    /// The chain up to the last record; nil when a gap keeps it from being known.
    var head: ChainHead? { hasher?.head }

    /// What cannot be read ends before `sequence`.
    mutating func passOver(to sequence: UInt64) {
        hasher = nil
        pending = []
        pendingStart = sequence
    }

    /// Takes the next block.
    /// - Returns: false when its header does not carry the chain of the records before it.
    mutating func take(_ preface: BlockPreface, _ records: UnsafeBufferPointer<Record>) -> Bool {
        if hasher == nil { resume(preface) }
        guard hasher != nil else {
            pending += records
            forgetFinishedSpans()
            return true
        }
        let agrees = hasher!.linkCount == preface.chainLinkCount && hasher!.link == preface.chainDigest
        hasher!.append(records)
        return agrees
    }

    private mutating func resume(_ preface: BlockPreface) {
        let first = preface.chainLinkCount.multipliedReportingOverflow(by: UInt64(ChainHead.spanRecordCount))
        let end = pendingStart + UInt64(pending.count)
        guard !first.overflow, first.partialValue + 1 >= pendingStart, first.partialValue + 1 <= end else { return }
        var hasher = ChainHasher(linkCount: preface.chainLinkCount, link: preface.chainDigest)
        pending.withUnsafeBufferPointer {
            hasher.append(UnsafeBufferPointer(rebasing: $0[Int(first.partialValue + 1 - pendingStart)...]))
        }
        self.hasher = hasher
        pending = []
    }

    private mutating func forgetFinishedSpans() {
        let end = pendingStart + UInt64(pending.count)
        let spanStart = (end - 1) / UInt64(ChainHead.spanRecordCount) * UInt64(ChainHead.spanRecordCount) + 1
        guard spanStart > pendingStart else { return }
        pending.removeFirst(Int(spanStart - pendingStart))
        pendingStart = spanStart
    }
}
