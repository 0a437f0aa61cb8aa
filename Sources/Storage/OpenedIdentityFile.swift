import CPlatform

/// What an open file of the identity index has in memory: the file itself, mapped, and where its buckets begin.
final class OpenedIdentityFile {
    let mapped: MappedBytes
    private let path: String
    private let header: IdentityFile.Header
    private let entries: UnsafePointer<UInt64>
    private let starts: [UInt32]
    private let checksums: [UInt32]
    /// A partition has 2 to the power of so many buckets.
    private let bucketBits: UInt64
    /// For each partition the places of the first entries of its buckets, and where the last one ends. Of partitions that were
    /// not verified they are 0.
    private let places: UnsafeMutablePointer<UInt32>
    private let isVerified: UnsafeMutablePointer<Bool>

    /// Entries of a bucket, about: no more than twice as many on the average.
    private static let bucketCount = 8
    /// So many records ahead a bucket's place is asked for, and half of it its entries.
    static let lookAhead = 12

    init(
        _ path: String, _ header: IdentityFile.Header, _ mapped: MappedBytes, starts: [UInt32], checksums: [UInt32]
    ) {
        (self.path, self.header, self.mapped) = (path, header, mapped)
        (self.starts, self.checksums) = (starts, checksums)
        entries = (mapped.bytes.baseAddress! + IdentityFile.headerByteCount).assumingMemoryBound(to: UInt64.self)
        let bucketsOfPartition = header.count / Fingerprint.partitionCount / OpenedIdentityFile.bucketCount
        bucketBits = UInt64(Int.bitWidth - 1 - max(1, bucketsOfPartition).leadingZeroBitCount)
        let placeCount = Fingerprint.partitionCount * (1 << Int(bucketBits) + 1)
        byteCount = placeCount * 4 + starts.count * 9
        places = .allocate(capacity: placeCount)
        places.initialize(repeating: 0, count: placeCount)
        isVerified = .allocate(capacity: Fingerprint.partitionCount)
        isVerified.initialize(repeating: false, count: Fingerprint.partitionCount)
    }

    deinit {
        places.deallocate()
        isVerified.deallocate()
    }

    /// Bytes of memory besides the mapping.
    let byteCount: Int

    /// The entries of a partition.
    func words(ofPartition index: Int) -> UnsafeBufferPointer<UInt64> {
        UnsafeBufferPointer(
            start: entries + Int(starts[index]), count: Int(starts[index + 1]) - Int(starts[index]))
    }

    /// Checks a partition, unless that was done: its CRC and what look-ups rely on.
    @inline(__always)
    func verify(partition index: Int) throws {
        if !isVerified[index] { try verifyAnew(index) }
    }

    private func verifyAnew(_ index: Int) throws {
        let words = words(ofPartition: index)
        let checksum = sluice_crc32c(0, words.baseAddress, words.count * 8)
        // What could not be read looks like damage; the disk's own word goes first.
        try mapped.check()
        guard checksum == checksums[index] else {
            throw IndexError(path, "the checksum of the entries of partition \(index) is wrong")
        }
        guard isInOrder(words) else {
            throw IndexError(path, "its entries are out of order in partition \(index)")
        }
        findBuckets(words, of: index)
        isVerified[index] = true
    }

    /// What look-ups rely on: within a partition entries ascend, and their sequences are those that the header tells.
    private func isInOrder(_ words: UnsafeBufferPointer<UInt64>) -> Bool {
        let largest = header.through - header.base
        var last: UInt64 = 0
        for word in words {
            let distance = word & 0xFFFF_FFFF
            guard word >= last, distance >= 1, distance <= largest else { return false }
            last = word
        }
        return true
    }

    private func findBuckets(_ words: UnsafeBufferPointer<UInt64>, of index: Int) {
        let places = places + index * (1 << Int(bucketBits) + 1)
        var bucket = 0
        for place in words.indices {
            let own = Int(words[place] >> (64 - bucketBits))
            while bucket <= own {
                places[bucket] = starts[index] + UInt32(place)
                bucket += 1
            }
        }
        while bucket <= 1 << Int(bucketBits) {
            places[bucket] = starts[index + 1]
            bucket += 1
        }
    }

    // MARK: Looking up

    @inline(__always)
    private func bucket(of fingerprint: Fingerprint) -> UnsafePointer<UInt32> {
        let bucketOfPartition = Int((UInt64(fingerprint.tag) &<< bucketBits) &>> 32)
        return UnsafePointer(places)
            + (Int(fingerprint.partition) &* (1 &<< Int(bucketBits) &+ 1) &+ bucketOfPartition)
    }

    @inline(__always)
    func prefetchPlace(of fingerprint: Fingerprint) { sluice_prefetch(bucket(of: fingerprint)) }

    /// Of a partition that was verified.
    @inline(__always)
    func prefetchEntries(of fingerprint: Fingerprint) {
        let first = entries + Int(bucket(of: fingerprint).pointee)
        sluice_prefetch(first)
        sluice_prefetch(first + 8)
    }

    /// Visits the sequences of a partition that was verified whose fingerprint is this one.
    @inline(__always)
    func find(_ fingerprint: Fingerprint, _ visit: (UInt64) -> Void) {
        let bucket = bucket(of: fingerprint)
        let end = entries + Int(bucket[1])
        var entry = entries + Int(bucket[0])
        let word = UInt64(fingerprint.tag) << 32
        while entry < end, entry.pointee < word { entry += 1 }
        while entry < end, entry.pointee >> 32 == UInt64(fingerprint.tag) {
            visit(header.base + (entry.pointee & 0xFFFF_FFFF))
            entry += 1
        }
    }
}

/// Entries of files that have the fingerprints of a group's records.
struct FileHits {
    /// By the records' indices.
    var found: [(index: Int, sequence: UInt64)] = []
    /// Records for which a file cannot be read, and why.
    var failures: [(index: Int, error: any Error)] = []

    func sequences(ofRecord index: Int) -> ArraySlice<(index: Int, sequence: UInt64)> {
        let start = partitionPoint(found.count) { found[$0].index < index }
        return found[start...].prefix { $0.index == index }
    }
}
