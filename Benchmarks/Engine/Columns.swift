import Benchmark
import Columns
import Transactions

// One column of a full block, by each codec: values made so that the encoder chooses it, which is checked.

func registerColumns() {
    for (name, codec, values) in columns {
        Benchmark("column, \(name): encode") { benchmark in
            let encoder = ColumnEncoder(capacity: values.count)
            let found = values.withUnsafeBufferPointer { encoder.encode($0) }.descriptor.codec
            precondition(found == codec, "\(name) became \(found)")
            benchmark.measure(records: values.count) {
                values.withUnsafeBufferPointer { blackHole(encoder.encode($0)) }
            }
        }
        Benchmark("column, \(name): decode") { benchmark in
            let decoder = ColumnDecoder(capacity: values.count)
            let encoder = ColumnEncoder(capacity: values.count)
            let encoded = values.withUnsafeBufferPointer { encoder.encode($0) }
            var output = [UInt64](repeating: 0, count: values.count)
            try benchmark.measure(records: values.count) {
                try output.withUnsafeMutableBufferPointer {
                    try decoder.decode(encoded.descriptor, encoded.bytes, into: $0)
                }
            }
            precondition(output == values)
        }
    }
}

private let columns: [(String, Codec, [UInt64])] = {
    let words = Sample.words(Sample.blockRecordCount)
    let text = Array("VCB payment to merchant ".utf8)
    return [
        ("packed", .packed, words.map { $0 & 0xFFFFF }),
        ("dictionary or packed with exceptions", .patched, words.map { $0 & 0xFF == 0 ? $0 : $0 >> 8 & 0x3FF }),
        // Frequencies as of channels or amounts: half of them one value, a quarter the next, ...
        ("alphabet and range coder", .rangeCoded, words.map { UInt64(($0 | 1 << 40).trailingZeroBitCount) * 1009 }),
        (
            "LZ4", .compressed,
            words.indices.map { place in
                // Runs of text of eight bytes that come again and again, at no fixed distance.
                let start = Int(words[place / 64] % 24)
                return (0..<8).reduce(0) { $0 << 8 | UInt64(text[(start + place % 64 * 8 + $1) % 24]) } ^ words[
                    place / 512] << 20
            }
        ),
    ]
}()
