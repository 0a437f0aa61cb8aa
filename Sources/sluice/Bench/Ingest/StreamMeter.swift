import SluiceClient
import StreamProtocol
import Synchronization

/// What the connections of one event loop measure; used on that loop only, and read when all of them are done.
final class StreamMeter: @unchecked Sendable {
    /// What became of all records.
    struct Totals: Sendable {
        var accepted = 0
        var duplicates = 0
        var conflicts = 0
        var rejected = 0
    }

    /// A part of the run, by the order of its records.
    struct Slice: Sendable {
        var latency = LatencyHistogram(isCoarse: true)
        /// When the last of its receipts came, after the start of what is measured.
        var lastNanoseconds: UInt64 = 0
    }

    private let plan: StreamPlan
    private(set) var totals = Totals()
    private(set) var latency = LatencyHistogram()
    /// How much later than due batches were handed over.
    private(set) var sendDelay = LatencyHistogram()
    /// Records receipted in each hundredth of a second after the start of what is measured.
    private(set) var receiptedByCentisecond: [Int] = []
    private(set) var slices: [Slice]
    private(set) var refusal: RequestFailure?
    /// Records receipted so far; any thread may read it.
    let receipted = Atomic<Int>(0)

    static let sliceCount = 50

    init(_ plan: StreamPlan) {
        self.plan = plan
        slices = Array(repeating: Slice(), count: StreamMeter.sliceCount)
    }

    /// - Parameters:
    ///   - sentNanoseconds: after the start, when there was credit for the batch, or when it was due in an open loop.
    ///   - nanoseconds: after the start.
    fileprivate func take(
        _ result: BatchResult, of records: Range<Int>, sentNanoseconds: UInt64, at nanoseconds: UInt64
    ) {
        switch result.outcome {
        case .failure(let failure): refusal = refusal ?? failure
        case .success(let receipt):
            totals.accepted += receipt.accepted
            totals.duplicates += receipt.duplicates
            totals.conflicts += receipt.conflicts
            totals.rejected += receipt.rejected
        }
        receipted.wrappingAdd(records.count, ordering: .relaxed)
        let measured = max(records.lowerBound, plan.warmUpRecordCount)..<max(records.upperBound, plan.warmUpRecordCount)
        guard !measured.isEmpty else { return }
        let time = nanoseconds - plan.measuredStartNanoseconds
        let slice = (measured.lowerBound - plan.warmUpRecordCount) * slices.count / plan.measuredRecordCount
        slices[slice].lastNanoseconds = max(slices[slice].lastNanoseconds, time)
        func record(_ latencyNanoseconds: UInt64, _ count: Int) {
            latency.record(nanoseconds: latencyNanoseconds, count: count)
            slices[slice].latency.record(nanoseconds: latencyNanoseconds, count: count)
        }
        if let schedule = plan.schedule {
            schedule.forEachLatency(of: measured, receiptedAt: nanoseconds, record)
        } else {
            record(nanoseconds - sentNanoseconds, measured.count)
        }
        count(measured.count, at: time)
    }

    fileprivate func measures(_ records: Range<Int>) -> Bool { records.lowerBound >= plan.warmUpRecordCount }

    fileprivate func recordSendDelay(_ nanoseconds: UInt64) { sendDelay.record(nanoseconds: nanoseconds) }

    private func count(_ records: Int, at nanoseconds: UInt64) {
        let place = Int(nanoseconds / 10_000_000)
        if receiptedByCentisecond.count <= place {
            receiptedByCentisecond += Array(repeating: 0, count: place + 1 - receiptedByCentisecond.count)
        }
        receiptedByCentisecond[place] += records
    }

    /// Adds what another loop measured.
    func add(_ other: StreamMeter) {
        totals.accepted += other.totals.accepted
        totals.duplicates += other.totals.duplicates
        totals.conflicts += other.totals.conflicts
        totals.rejected += other.totals.rejected
        latency.add(other.latency)
        sendDelay.add(other.sendDelay)
        for (place, records) in other.receiptedByCentisecond.enumerated() where records > 0 {
            count(records, at: UInt64(place) * 10_000_000)
        }
        for place in slices.indices {
            slices[place].latency.add(other.slices[place].latency)
            slices[place].lastNanoseconds = max(slices[place].lastNanoseconds, other.slices[place].lastNanoseconds)
        }
        refusal = refusal ?? other.refusal
    }
}

/// What one connection has on its way.
final class ConnectionMeter: @unchecked Sendable {
    private struct Sent: BitwiseCopyable {
        var nanoseconds: UInt64 = 0
        var firstRecord = 0
        var recordCount = 0
    }

    let meter: StreamMeter
    let clock: StreamClock
    private var sent: [Sent]
    private var sentCount = 0

    /// - Parameter windowBatches: one more than these may be noted: in an open loop, the one that waits for the window.
    init(_ meter: StreamMeter, clock: StreamClock, windowBatches: Int) {
        self.meter = meter
        self.clock = clock
        sent = Array(repeating: Sent(), count: windowBatches + 1)
    }

    /// Notes a batch just before it is sent, or in an open loop before it is handed over.
    /// - Parameter dueNanoseconds: after the start, when it should have been.
    func willSend(_ records: Range<Int>, dueNanoseconds: UInt64? = nil) {
        let now = clock.nanoseconds
        sent[sentCount % sent.count] = Sent(
            nanoseconds: dueNanoseconds ?? now, firstRecord: records.lowerBound, recordCount: records.count)
        sentCount += 1
        guard let dueNanoseconds, meter.measures(records) else { return }
        meter.recordSendDelay(now > dueNanoseconds ? now - dueNanoseconds : 0)
    }

    func take(_ result: BatchResult) {
        let sent = sent[(Int(result.number) - 1) % sent.count]
        meter.take(
            result, of: sent.firstRecord..<sent.firstRecord + sent.recordCount, sentNanoseconds: sent.nanoseconds,
            at: clock.nanoseconds)
    }
}
