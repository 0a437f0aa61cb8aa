import NIOCore
import Synchronization

/// How records are streamed.
struct StreamPlan: Sendable {
    /// The first record of the day that is streamed, and how many are from there on, those of the warm-up included.
    var firstRecord = 0
    var recordCount: Int
    /// The first so many are streamed like the others and not measured.
    var warmUpRecordCount = 0
    var connections = 1
    var batchRecordCount = 1024
    var windowBatches = 256
    var compressesBatches = false
    /// When batches are due; nil: each one as soon as there is credit for it.
    var schedule: OpenLoopSchedule?

    var measuredRecordCount: Int { recordCount - warmUpRecordCount }

    /// After the start of the stream.
    var measuredStartNanoseconds: UInt64 {
        guard let schedule, warmUpRecordCount > 0 else { return 0 }
        return schedule.dueNanoseconds(ofRecord: warmUpRecordCount - 1)
    }
}

/// The time since a stream began, for all its connections.
final class StreamClock: Sendable {
    private let start = Atomic<UInt64>(0)

    /// Begins in so many nanoseconds from now.
    func begin(inNanoseconds delay: UInt64 = 0) {
        start.store(NIODeadline.now().uptimeNanoseconds + delay, ordering: .releasing)
    }

    var nanoseconds: UInt64 {
        let (now, start) = (NIODeadline.now().uptimeNanoseconds, start.load(ordering: .acquiring))
        return now > start ? now - start : 0
    }

    /// The moment that is so many nanoseconds after the start.
    func deadline(nanoseconds: UInt64) -> NIODeadline {
        .uptimeNanoseconds(start.load(ordering: .acquiring) + nanoseconds)
    }
}
