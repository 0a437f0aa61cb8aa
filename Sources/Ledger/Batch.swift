import RingBuffer
import Storage
import Transactions

/// A submitted batch on its way through the ring: whose it is, and what was rejected before it got there.
///
/// The ring's tag is an unbalanced reference to it; the committer takes that reference over.
final class Batch: Sendable {
    let owner: any BatchOwner
    let number: UInt64
    /// Records that were rejected at the door, in order of index. They have no slot.
    let rejected: [Exception]
    /// True when every record was rejected: the batch has one slot without meaning, so that its answer keeps its turn.
    let isPlaceholder: Bool

    init(owner: any BatchOwner, number: UInt64, rejected: [Exception], isPlaceholder: Bool) {
        self.owner = owner
        self.number = number
        self.rejected = rejected
        self.isPlaceholder = isPlaceholder
    }

    var tag: UInt { UInt(bitPattern: Unmanaged.passRetained(self).toOpaque()) }

    static func take(tag: UInt) -> Batch {
        Unmanaged<Batch>.fromOpaque(UnsafeRawPointer(bitPattern: tag)!).takeRetainedValue()
    }

    /// Copies the records that were not rejected, in order.
    func copy(_ records: UnsafeRawBufferPointer, to slots: UnsafeMutableRawPointer) {
        var source = 0
        var target = slots
        func copy(before stop: Int) {
            let byteCount = (stop - source) * Record.byteCount
            guard byteCount > 0 else { return }
            target.copyMemory(from: records.baseAddress! + source * Record.byteCount, byteCount: byteCount)
            target += byteCount
        }
        for exception in rejected {
            copy(before: exception.index)
            source = exception.index + 1
        }
        copy(before: records.count / Record.byteCount)
    }

    /// The receipt, from the verdicts on the batch's slots.
    func receipt(_ verdicts: UnsafeBufferPointer<Verdict>, firstSequence: UInt64, chain: ChainHead) -> Receipt {
        if isPlaceholder {
            return Receipt(accepted: 0, duplicates: 0, exceptions: rejected, firstSequence: 0, chain: chain)
        }
        var accepted = 0
        var duplicates = 0
        var faults: [Exception] = []
        for (slot, verdict) in verdicts.enumerated() {
            switch verdict {
            case .accepted: accepted += 1
            case .duplicate: duplicates += 1
            default: faults.append(Exception(index: slot, fault: verdict.fault!))
            }
        }
        return Receipt(
            accepted: accepted, duplicates: duplicates, exceptions: merge(faults),
            firstSequence: accepted > 0 ? firstSequence : 0,
            chain: chain)
    }

    /// Turns slots into indices of the batch as it was sent, and puts what was rejected at the door between.
    private func merge(_ faults: [Exception]) -> [Exception] {
        if rejected.isEmpty { return faults }
        var merged: [Exception] = []
        var door = rejected[...]
        var shift = 0
        for fault in faults {
            while let next = door.first, next.index <= fault.index + shift {
                merged.append(next)
                door = door.dropFirst()
                shift += 1
            }
            merged.append(Exception(index: fault.index + shift, fault: fault.fault))
        }
        return merged + door
    }
}
