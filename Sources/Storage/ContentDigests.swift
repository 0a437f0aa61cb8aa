import Transactions

/// A 64-bit digest of the 64 bytes of each recent record, by sequence, so that a true duplicate is told without reading it back.
///
/// Reading single records back from compressed blocks all day costs more than everything else: of a national day, one in fifty
/// is sent again. A digest that agrees says "duplicate"; one that differs says nothing, and the record itself is read. Both
/// verdicts leave the ledger as it is, and an agreement by chance (2^-64, under a random key) would only name a conflict a
/// duplicate. So exactness is kept where something could be lost: a record is new only when every hit was compared.
///
/// Memory is a window of chunks: `capacity` sequences at 8 bytes, the oldest chunk goes first.
final class ContentDigests {
    private static let chunkBits: UInt64 = 16
    private static let chunkCount = 1 << Int(chunkBits)

    private let key: IdentityKey
    private let chunkLimit: Int
    private var chunks: [UInt64: UnsafeMutablePointer<UInt64>] = [:]
    private var current: (number: UInt64, chunk: UnsafeMutablePointer<UInt64>)?

    /// - Parameter capacity: sequences that are kept, rounded up to chunks of 65,536.
    init(key: IdentityKey, capacity: Int) {
        self.key = key
        chunkLimit = max(1, capacity >> Int(ContentDigests.chunkBits))
    }

    deinit { chunks.values.forEach { $0.deallocate() } }

    /// Keeps the digests of records that have their sequences now.
    func append(_ records: UnsafeBufferPointer<Record>, firstSequence: UInt64) {
        guard let base = records.baseAddress else { return }
        let key = key
        var start = 0
        while start < records.count {
            let sequence = firstSequence + UInt64(start)
            let place = Int(sequence & UInt64(ContentDigests.chunkCount - 1))
            let count = min(records.count - start, ContentDigests.chunkCount - place)
            let digests = chunk(sequence >> ContentDigests.chunkBits) + place
            for offset in 0..<count { digests[offset] = ContentDigests.digest(of: base + (start + offset), key) }
            start += count
        }
    }

    /// True when the record at `sequence` is known to have the same bytes.
    func agrees(_ record: Record, at sequence: UInt64) -> Bool {
        guard let chunk = chunks[sequence >> ContentDigests.chunkBits] else { return false }
        let known = chunk[Int(sequence & UInt64(ContentDigests.chunkCount - 1))]
        return withUnsafePointer(to: record) { known == ContentDigests.digest(of: $0, key) }
    }

    private func chunk(_ number: UInt64) -> UnsafeMutablePointer<UInt64> {
        if let current, current.number == number { return current.chunk }
        let chunk = chunks[number] ?? makeChunk(number)
        current = (number, chunk)
        return chunk
    }

    private func makeChunk(_ number: UInt64) -> UnsafeMutablePointer<UInt64> {
        if chunks.count >= chunkLimit, let oldest = chunks.keys.min() {
            chunks.removeValue(forKey: oldest)?.deallocate()
        }
        let chunk = UnsafeMutablePointer<UInt64>.allocate(capacity: ContentDigests.chunkCount)
        chunk.initialize(repeating: 0, count: ContentDigests.chunkCount)
        chunks[number] = chunk
        return chunk
    }

    /// Folded 128-bit products of keyed words; never 0, which stands for "not known".
    /// Source: the construction of wyhash (Wang Yi, 2019), here with a secret key.
    @inline(__always)
    private static func digest(of record: UnsafePointer<Record>, _ key: IdentityKey) -> UInt64 {
        let bytes = UnsafeRawPointer(record)
        func word(_ index: Int) -> UInt64 { bytes.load(fromByteOffset: index &* 8, as: UInt64.self) }
        func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
            let product = a.multipliedFullWidth(by: b)
            return product.high ^ product.low
        }
        let first = fold(word(0) ^ key.k0, word(1) ^ key.k1) ^ fold(word(2) ^ ~key.k1, word(3) ^ ~key.k0)
        let second = fold(word(4) ^ key.k1, word(5) ^ ~key.k0) ^ fold(word(6) ^ key.k0, word(7) ^ ~key.k1)
        return fold(first ^ 0x9E37_79B9_7F4A_7C15, second ^ key.k0) | 1
    }
}
