/// Decodes whole range-coded columns by a table with an entry for each of the 2^precision places.
///
/// An entry holds the symbol's number in bits 0 to 15, its frequency in bits 16 to 31 and the place's distance from the
/// symbol's start in bits 32 to 47.
final class RangeDecoder {
    private static let largestTableCount = 1 << 15
    /// What a lane may read behind its start: its state, a word for each value, and one that it does not take.
    private static let reachByteCount = RangeCoder.largestPieceByteCount + 2
    private let table: UnsafeMutablePointer<UInt64>
    private let tail: UnsafeMutableRawBufferPointer

    init() {
        table = .allocate(capacity: RangeDecoder.largestTableCount)
        tail = .allocate(byteCount: 2 * RangeDecoder.reachByteCount, alignment: 8)
    }

    deinit {
        table.deallocate()
        tail.deallocate()
    }

    /// Decodes the symbols of a column, each as `value` has it; false when the bytes are not what an encoder wrote.
    @inline(__always)
    func decode(
        _ parts: RangeCodedParts, into output: UnsafeMutableBufferPointer<UInt64>, value: (UInt64) -> UInt64
    ) throws(ColumnError) {
        guard fillTable(parts) else { throw .malformed("frequencies") }
        let tailStart = copyTail(parts.words)
        var lanes = InStep(table: table, precision: UInt32(parts.precision))
        var piece = 0
        let pieceCount = Piece.count(of: output.count)
        while piece < pieceCount {
            let range = Piece.range(piece, of: output.count)
            if (piece + RangeCoder.laneCount) * Piece.valueCount <= output.count {
                for lane in 0..<RangeCoder.laneCount {
                    try lanes.place(lane, start(of: piece + lane, parts, tailStart: tailStart))
                }
                lanes.decode(output.baseAddress.unsafelyUnwrapped + range.lowerBound, value: value)
                guard lanes.isFinished else { throw .malformed("words") }
                piece += RangeCoder.laneCount
            } else {
                try lanes.place(0, start(of: piece, parts, tailStart: tailStart))
                lanes.decodeOne(UnsafeMutableBufferPointer(rebasing: output[range]), value: value)
                guard lanes.isFirstFinished else { throw .malformed("words") }
                piece += 1
            }
        }
    }

    /// False when the frequencies are not all at least 1 or do not add up.
    private func fillTable(_ parts: RangeCodedParts) -> Bool {
        let whole = UInt64(1) << UInt64(parts.precision)
        let alphabetCount = UInt64(parts.alphabetCount)
        var (start, symbol): (UInt64, UInt64) = (0, 0)
        for group in 0..<parts.frequencies.count {
            let (frequency, symbolCount) = (parts.frequencies[group], parts.symbolCounts[group])
            guard frequency >= 1, symbolCount >= 1, symbolCount <= alphabetCount - symbol,
                frequency <= (whole - start) / symbolCount
            else { return false }
            for _ in 0..<symbolCount {
                let entry = symbol | frequency << 16
                for distance in 0..<frequency { table[Int(start &+ distance)] = entry | distance &<< 32 }
                start += frequency
                symbol += 1
            }
        }
        return start == whole && symbol == alphabetCount
    }

    /// Copies what lanes could read behind, with zeros after it; returns where the copy begins among the words.
    private func copyTail(_ words: UnsafeRawBufferPointer) -> Int {
        let start = max(0, words.count - RangeDecoder.reachByteCount)
        tail.copyMemory(from: UnsafeRawBufferPointer(rebasing: words[start...]))
        UnsafeMutableRawBufferPointer(rebasing: tail[(words.count - start)...]).initializeMemory(
            as: UInt8.self, repeating: 0)
        return start
    }

    private func start(
        of piece: Int, _ parts: RangeCodedParts, tailStart: Int
    ) throws(ColumnError) -> UnsafeRawBufferPointer {
        let range = try parts.byteRange(piece)
        guard range.lowerBound >= tailStart else { return UnsafeRawBufferPointer(rebasing: parts.words[range]) }
        let bounds = range.lowerBound - tailStart..<range.upperBound - tailStart
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(tail)[bounds])
    }
}

/// Four states and their positions. A position never moves further than `RangeDecoder.reachByteCount` from its start.
private struct InStep {
    private let table: UnsafePointer<UInt64>
    private let precision: UInt32
    private var states = SIMD4<UInt32>(repeating: RangeCoder.stateFloor)
    private var positions: Positions
    private var ends: Positions

    private typealias Positions = (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer)

    init(table: UnsafePointer<UInt64>, precision: UInt32) {
        self.table = table
        self.precision = precision
        let nowhere = UnsafeRawPointer(table)
        positions = (nowhere, nowhere, nowhere, nowhere)
        ends = positions
    }

    /// Puts a lane to a piece's bytes, of which there are at least 4.
    mutating func place(_ lane: Int, _ bytes: UnsafeRawBufferPointer) throws(ColumnError) {
        let start = bytes.baseAddress.unsafelyUnwrapped
        states[lane] = start.loadUnaligned(as: UInt32.self)
        guard states[lane] >= RangeCoder.stateFloor else { throw .malformed("state") }
        let (position, end) = (start + RangeCoder.stateByteCount, start + bytes.count)
        switch lane {
        case 0: (positions.0, ends.0) = (position, end)
        case 1: (positions.1, ends.1) = (position, end)
        case 2: (positions.2, ends.2) = (position, end)
        default: (positions.3, ends.3) = (position, end)
        }
    }

    var isFirstFinished: Bool { positions.0 == ends.0 && states[0] == RangeCoder.stateFloor }

    var isFinished: Bool { positions == ends && states == SIMD4(repeating: RangeCoder.stateFloor) }

    /// Decodes four whole pieces.
    @inline(__always)
    mutating func decode(_ target: UnsafeMutablePointer<UInt64>, value: (UInt64) -> UInt64) {
        var (p0, p1, p2, p3) = positions
        var (s0, s1, s2, s3) = (states[0], states[1], states[2], states[3])
        for index in 0..<Piece.valueCount {
            target[index] = value(take(&s0, &p0))
            target[index &+ Piece.valueCount] = value(take(&s1, &p1))
            target[index &+ 2 &* Piece.valueCount] = value(take(&s2, &p2))
            target[index &+ 3 &* Piece.valueCount] = value(take(&s3, &p3))
        }
        positions = (p0, p1, p2, p3)
        states = SIMD4(s0, s1, s2, s3)
    }

    /// Decodes at most a piece by the first lane.
    @inline(__always)
    mutating func decodeOne(_ output: UnsafeMutableBufferPointer<UInt64>, value: (UInt64) -> UInt64) {
        var (position, state) = (positions.0, states[0])
        for index in 0..<output.count { output[index] = value(take(&state, &position)) }
        (positions.0, states[0]) = (position, state)
    }

    @inline(__always)
    private func take(_ state: inout UInt32, _ position: inout UnsafeRawPointer) -> UInt64 {
        let entry = table[Int(state & ((1 &<< precision) &- 1))]
        let frequency = UInt32(truncatingIfNeeded: entry &>> 16) & 0xFFFF
        let distance = UInt32(truncatingIfNeeded: entry &>> 32)
        let next = frequency &* (state &>> precision) &+ distance
        let word = UInt32(position.loadUnaligned(as: UInt16.self))
        let isLow = RangeCoder.mask(ofLow: next)
        state = next &<< (16 & isLow) | word & isLow
        position += Int(2 & isLow)
        return entry & 0xFFFF
    }
}
