import Testing

@testable import sluice

@Suite struct OpenLoopScheduleTests {
    private func schedule(rate: Double, records: Int, batch: Int) -> OpenLoopSchedule {
        OpenLoopSchedule(recordsPerSecond: rate, recordCount: records, batchRecordCount: batch)
    }

    @Test func aBatchTakesWhatComesInAMillisecond() {
        let natural = OpenLoopSchedule.naturalBatchRecordCount
        #expect(natural(300) == 1)
        #expect(natural(1000) == 1)
        #expect(natural(1001) == 2)
        #expect(natural(100_000) == 100)
        #expect(natural(5_000_000) == 1024)
    }

    @Test func batchesCoverAllRecordsInOrder() {
        let schedule = schedule(rate: 1000, records: 250, batch: 100)
        #expect(schedule.batchCount == 3)
        #expect((0..<3).map(schedule.records(ofBatch:)) == [0..<100, 100..<200, 200..<250])
    }

    @Test func recordsComeInEqualStepsAndABatchWithItsLast() {
        let schedule = schedule(rate: 1000, records: 250, batch: 100)
        #expect((0..<3).map(schedule.dueNanoseconds(ofRecord:)) == [1_000_000, 2_000_000, 3_000_000])
        #expect((0..<3).map(schedule.dueNanoseconds(ofBatch:)) == [100_000_000, 200_000_000, 250_000_000])
        // No step is lost to rounding over a long run.
        let long = self.schedule(rate: 3, records: 3_000_000_000, batch: 1)
        #expect(long.dueNanoseconds(ofRecord: 2_999_999_999) == 1_000_000_000_000_000_000)
    }

    @Test func aLatencyCountsFromTheRecordsOwnMoment() {
        let schedule = schedule(rate: 1000, records: 10, batch: 4)
        var latencies: [[UInt64]] = []
        schedule.forEachLatency(of: 4..<8, receiptedAt: 10_000_000) { latencies.append([$0, UInt64($1)]) }
        #expect(latencies == [[5_000_000, 1], [4_000_000, 1], [3_000_000, 1], [2_000_000, 1]])
    }

    @Test func aLargeBatchIsCountedInGroupsByTheirOldest() {
        let schedule = schedule(rate: 1_000_000, records: 2048, batch: 1024)
        var groups: [(latency: UInt64, count: Int)] = []
        schedule.forEachLatency(of: 1024..<2048, receiptedAt: 3_000_000) { groups.append(($0, $1)) }
        #expect(groups.count == 64)
        #expect(groups.allSatisfy { $0.count == 16 })
        #expect(groups.first?.latency == 3_000_000 - 1_025_000)
        #expect(groups.last?.latency == 3_000_000 - 2_033_000)
        var odd = 0
        schedule.forEachLatency(of: 0..<101, receiptedAt: 3_000_000) { odd += $1 }
        #expect(odd == 101)
    }

    @Test func aReceiptIsNeverTooEarly() {
        let schedule = schedule(rate: 1000, records: 2, batch: 1)
        var latencies: [UInt64] = []
        schedule.forEachLatency(of: 1..<2, receiptedAt: 1_500_000) { latency, _ in latencies.append(latency) }
        #expect(latencies == [0])
    }
}
