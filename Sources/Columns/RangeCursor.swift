/// Steps through single pieces of a range-coded column without the table that decoding all of it would pay for.
///
/// Symbols lie by groups of equal frequency, of which there are at most 255 and the escape, as different frequencies add
/// up. A place of the coder finds its group by a coarse index, and its symbol by a division. The memory belongs to the
/// cursor's owner: `RangeCursor.Memory`.
struct RangeCursor {
    /// A group: its first place and symbol, and the division by its frequency as a product (exact below 2^16).
    struct Group: BitwiseCopyable {
        var start: UInt32
        var firstSymbol: UInt16
        var frequency: UInt16
        var reciprocal: UInt64
    }

    /// Room for the groups, one more that ends them, and for their index.
    struct Memory {
        static let indexPrecision = 12
        let groups: UnsafeMutablePointer<Group>
        let index: UnsafeMutablePointer<UInt8>
        fileprivate let frequencies: UnsafeMutablePointer<UInt64>
        fileprivate let symbolCounts: UnsafeMutablePointer<UInt64>

        init() {
            frequencies = .allocate(capacity: RangeCodedParts.largestGroupCount)
            symbolCounts = .allocate(capacity: RangeCodedParts.largestGroupCount)
            groups = .allocate(capacity: RangeCodedParts.largestGroupCount + 1)
            index = .allocate(capacity: 1 << Memory.indexPrecision)
        }

        func deallocate() {
            groups.deallocate()
            index.deallocate()
            frequencies.deallocate()
            symbolCounts.deallocate()
        }
    }

    private let groups: UnsafePointer<Group>
    private let index: UnsafePointer<UInt8>
    private let precision: UInt32
    private let placeMask: UInt32
    private let indexShift: UInt32
    private var state = RangeCoder.stateFloor
    private var position: UnsafeRawPointer
    private var end: UnsafeRawPointer
    private let anywhere: UnsafeRawPointer
    private let escape: UInt32
    private var symbol: UInt32 = 0
    private var escapes = 0
    private let parts: RangeCodedParts

    /// A cursor before all pieces; `memory` must live as long.
    init(_ parts: RangeCodedParts, memory: Memory) throws(ColumnError) {
        self.parts = parts
        groups = UnsafePointer(memory.groups)
        index = UnsafePointer(memory.index)
        precision = UInt32(parts.precision)
        placeMask = 1 << precision - 1
        indexShift = UInt32(max(0, parts.precision - Memory.indexPrecision))
        anywhere = UnsafeRawPointer(memory.groups)
        (position, end) = (anywhere, anywhere)
        escape = UInt32(parts.entries.count)
        guard fill(memory) else { throw .malformed("frequencies") }
    }

    /// False when the frequencies are not all at least 1 or do not add up.
    private func fill(_ memory: Memory) -> Bool {
        let (whole, alphabetCount) = (UInt64(1) << UInt64(precision), UInt64(parts.alphabetCount))
        let (frequencies, symbolCounts) = (memory.frequencies, memory.symbolCounts)
        _ = parts.frequencies.unpack(into: frequencies)
        _ = parts.symbolCounts.unpack(into: symbolCounts)
        var (start, symbol): (UInt64, UInt64) = (0, 0)
        var filled = 0
        for number in 0..<parts.frequencies.count {
            let (frequency, symbolCount) = (frequencies[number], symbolCounts[number])
            // Both are below 2^16 where they are multiplied.
            guard frequency >= 1, frequency <= whole, symbolCount >= 1, symbolCount <= alphabetCount - symbol,
                frequency &* symbolCount <= whole - start
            else { return false }
            memory.groups[number] = Group(
                start: UInt32(start), firstSymbol: UInt16(symbol), frequency: UInt16(frequency),
                reciprocal: (1 << 32 + frequency - 1) / frequency)
            start += frequency * symbolCount
            symbol += symbolCount
            // The index names the group of each stretch's first place.
            let indexed = Int((start - 1) >> UInt64(indexShift)) + 1
            if filled < indexed {
                (memory.index + filled).update(repeating: UInt8(number), count: indexed - filled)
                filled = indexed
            }
        }
        memory.groups[parts.frequencies.count] = Group(
            start: UInt32(whole), firstSymbol: 0, frequency: 1, reciprocal: 1)
        return start == whole && symbol == alphabetCount
    }

    /// Moves before the first value of a piece.
    mutating func seek(_ piece: Int) throws(ColumnError) {
        let bytes = UnsafeRawBufferPointer(rebasing: parts.words[try parts.byteRange(piece)])
        let start = bytes.baseAddress.unsafelyUnwrapped
        state = start.loadUnaligned(as: UInt32.self)
        guard state >= RangeCoder.stateFloor else { throw .malformed("state") }
        (position, end) = (start + RangeCoder.stateByteCount, start + bytes.count)
        (escapes, symbol) = (try parts.escapes.range(piece).lowerBound, 0)
    }

    /// Takes one value of the piece. Behind the last word it goes on with anything, which `value` reports.
    @inline(__always)
    mutating func step() {
        let place = state & placeMask
        var number = Int(index[Int(place &>> indexShift)])
        while groups[number &+ 1].start <= place { number &+= 1 }
        let group = groups[number]
        let frequency = UInt32(group.frequency)
        let distance = place &- group.start
        let quotient = UInt32(truncatingIfNeeded: (UInt64(distance) &* group.reciprocal) &>> 32)
        escapes &+= symbol == escape ? 1 : 0
        symbol = UInt32(group.firstSymbol) &+ quotient
        let next = frequency &* (state &>> precision) &+ distance &- quotient &* frequency
        let isLow = RangeCoder.mask(ofLow: next)
        let word = UInt32((position < end ? position : anywhere).loadUnaligned(as: UInt16.self))
        state = next &<< (16 & isLow) | word & isLow
        position += Int(2 & isLow)
    }

    /// The value that was last taken.
    func value() throws(ColumnError) -> UInt64 {
        guard position <= end else { throw .malformed("words") }
        return try parts.value(symbol: Int(symbol), escapes: escapes)
    }
}
