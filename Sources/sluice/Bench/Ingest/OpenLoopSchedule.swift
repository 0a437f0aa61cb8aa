/// When the records of an open loop are due, whatever became of those before them.
///
/// Records come one by one in equal steps. A batch takes what has come since the one before it, and is due when its last
/// record is; every record's latency counts from its own moment, so that neither the gathering of a batch nor a wait behind
/// slow ones is hidden.
struct OpenLoopSchedule: Sendable {
    let recordsPerSecond: Double
    let recordCount: Int
    let batchRecordCount: Int

    /// One batch a millisecond, as far as the protocol's batches of at most 1,024 records go.
    static func naturalBatchRecordCount(recordsPerSecond: Double) -> Int {
        Int(min(1024, max(1, (recordsPerSecond / 1000).rounded(.up))))
    }

    var batchCount: Int { (recordCount + batchRecordCount - 1) / batchRecordCount }

    /// The records of a batch.
    func records(ofBatch batch: Int) -> Range<Int> {
        batch * batchRecordCount..<min((batch + 1) * batchRecordCount, recordCount)
    }

    /// Nanoseconds after the start at which a record comes; the first one comes after one step.
    func dueNanoseconds(ofRecord record: Int) -> UInt64 {
        UInt64((Double(record + 1) / recordsPerSecond * 1e9).rounded())
    }

    /// Nanoseconds after the start at which a batch is to be sent.
    func dueNanoseconds(ofBatch batch: Int) -> UInt64 {
        dueNanoseconds(ofRecord: records(ofBatch: batch).upperBound - 1)
    }

    /// The most groups in which the records of a batch are counted.
    private static let mostGroups = 64

    /// The latencies of a batch's records, in groups of neighbours, each counted as its oldest record.
    ///
    /// - Parameters:
    ///   - records: those of the batch that are measured.
    ///   - nanoseconds: after the start, when the receipt came.
    func forEachLatency(of records: Range<Int>, receiptedAt nanoseconds: UInt64, _ body: (UInt64, Int) -> Void) {
        let groupSize = (records.count + OpenLoopSchedule.mostGroups - 1) / OpenLoopSchedule.mostGroups
        for oldest in stride(from: records.lowerBound, to: records.upperBound, by: max(1, groupSize)) {
            let due = dueNanoseconds(ofRecord: oldest)
            body(nanoseconds > due ? nanoseconds - due : 0, min(groupSize, records.upperBound - oldest))
        }
    }
}
