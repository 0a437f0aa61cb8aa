import CPlatform
import Transactions

/// A 64-bit digest of the 64 bytes of each recent record, by sequence, so that a true duplicate is told without reading it back.
///
/// Reading single records back from compressed blocks all day costs more than everything else: of a national day, one in fifty
/// is sent again. A digest that agrees says "duplicate"; one that differs says nothing, and the record itself is read. Both
/// verdicts leave the ledger as it is, and an agreement by chance (2^-64, under a random key) would only name a conflict a
/// duplicate. So exactness is kept where something could be lost: a record is new only when every hit was compared.
///
/// Memory is a window of chunks: `capacity` sequences at 8 bytes. Each chunk takes the place of the one that is a window older.
final class ContentDigests {
    private static let chunkBits: UInt64 = 16
    private static let chunkCount = 1 << Int(chunkBits)

    private struct Chunk {
        var number: UInt64
        var digests: UnsafeMutablePointer<UInt64>?
    }

    private let key: IdentityKey
    /// By number modulo their count, a power of two.
    private let chunks: UnsafeMutablePointer<Chunk>
    private let chunkMask: UInt64

    /// - Parameter capacity: the most sequences that are kept, rounded down to a power of two, 65,536 at least.
    init(key: IdentityKey, capacity: Int) {
        self.key = key
        let wanted = UInt64(max(1, capacity >> Int(ContentDigests.chunkBits)))
        let count = 1 << (63 - wanted.leadingZeroBitCount)
        chunkMask = UInt64(count - 1)
        chunks = .allocate(capacity: count)
        chunks.initialize(repeating: Chunk(number: 0, digests: nil), count: count)
    }

    deinit {
        for place in 0...Int(chunkMask) { chunks[place].digests?.deallocate() }
        chunks.deallocate()
    }

    /// Keeps the digests of records that have these sequences; of those before the window it keeps none.
    func append(_ records: UnsafeBufferPointer<Record>, firstSequence: UInt64) {
        guard let base = records.baseAddress else { return }
        let key = key
        var start = 0
        while start < records.count {
            let sequence = firstSequence + UInt64(start)
            let place = Int(sequence & UInt64(ContentDigests.chunkCount - 1))
            let count = min(records.count - start, ContentDigests.chunkCount - place)
            if let chunk = makeChunk(sequence >> ContentDigests.chunkBits) {
                let digests = chunk + place
                for offset in 0..<count { digests[offset] = ContentDigests.digest(of: base + (start + offset), key) }
            }
            start += count
        }
    }

    /// True when the record at `sequence` is known to have the same bytes.
    @inline(__always)
    func agrees(_ record: UnsafePointer<Record>, at sequence: UInt64) -> Bool {
        guard let known = place(of: sequence) else { return false }
        return known.pointee == ContentDigests.digest(of: record, key)
    }

    /// True when there is a digest of the record at `sequence`.
    func knows(_ sequence: UInt64) -> Bool { place(of: sequence).map { $0.pointee != 0 } ?? false }

    /// Has the digest in the processor's caches soon.
    @inline(__always)
    func prefetch(_ sequence: UInt64) {
        if let known = place(of: sequence) { sluice_prefetch(known) }
    }

    @inline(__always)
    private func place(of sequence: UInt64) -> UnsafeMutablePointer<UInt64>? {
        let number = sequence >> ContentDigests.chunkBits
        let chunk = chunks[Int(number & chunkMask)]
        guard let digests = chunk.digests, chunk.number == number else { return nil }
        return digests + Int(sequence & UInt64(ContentDigests.chunkCount - 1))
    }

    /// The chunk of that number; nil when a later one has its place.
    private func makeChunk(_ number: UInt64) -> UnsafeMutablePointer<UInt64>? {
        let chunk = chunks + Int(number & chunkMask)
        let digests: UnsafeMutablePointer<UInt64>
        if let known = chunk.pointee.digests {
            if chunk.pointee.number == number { return known }
            guard chunk.pointee.number < number else { return nil }
            digests = known
        } else {
            digests = .allocate(capacity: ContentDigests.chunkCount)
        }
        digests.initialize(repeating: 0, count: ContentDigests.chunkCount)
        chunk.pointee = Chunk(number: number, digests: digests)
        return digests
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
