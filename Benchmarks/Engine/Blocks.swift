import Benchmark
import Columns
import Transactions

// A full block of the reference day, as the committer writes it and queries read it.

func registerBlocks() {
    Benchmark("block: encode") { benchmark in
        let records = Sample.records()
        defer { records.deallocate() }
        let encoder = BlockEncoder()
        benchmark.measure(records: records.count) {
            blackHole(encoder.encode(UnsafeBufferPointer(records), preface: preface))
        }
    }
    blockDecoding("all columns", of: .all)
    blockDecoding("amount and region alone", of: ColumnSet(.amount, .region))
}

private let preface = BlockPreface(firstSequence: 1, commitTimeMicroseconds: 0, ledger: 1, offset: 0)

private func blockDecoding(_ name: String, of columns: ColumnSet) {
    Benchmark("block: decode \(name)") { benchmark in
        let records = Sample.records()
        defer { records.deallocate() }
        let encoder = BlockEncoder()
        let decoder = BlockDecoder()
        let block = encoder.encode(UnsafeBufferPointer(records), preface: preface)
        try benchmark.measure(records: records.count) {
            try decoder.decode(block.header, block.bytes, columns: columns, into: records)
        }
    }
}
