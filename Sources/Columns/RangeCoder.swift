/// A range coder over a small alphabet: a symbol of frequency f in 2^precision costs log2(2^precision / f) bits.
///
/// Skewed columns (outcomes, services and institutions by Zipf) come within a few percent of their entropy, where whole
/// bits would waste up to one a value. It is the range variant of asymmetric numeral systems (Duda, arXiv:1311.2540)
/// with 32-bit states and 16-bit words. Each piece is coded alone, by one state that begins anew:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | the state at the piece's first value |
/// | 4 | 2 each | words in the order in which the decoder takes them |
///
/// The encoder works backwards through the values; the decoder forwards. Four pieces at a time, in step, keep a
/// processor busy that would wait for the one state otherwise. A state is always at least 2^16, and at exactly 2^16
/// behind the last value, when no word of the piece is left.
enum RangeCoder {
    /// The most symbols of an alphabet, an escape among them.
    static let largestAlphabetCount = 8192
    /// That of a symbol which stands alone at the highest precision.
    static let largestFrequency = 1 << 15
    /// Where a state starts and what it never falls below.
    static let stateFloor: UInt32 = 1 << 16
    static let stateByteCount = 4
    /// The most bytes that a piece takes.
    static let largestPieceByteCount = stateByteCount + 2 * Piece.valueCount
    /// Pieces that are coded in step.
    static let laneCount = 4

    /// The precision for an alphabet, 11...15: fine enough that rare symbols are not rounded up by much.
    static func precision(alphabetCount: Int) -> Int {
        min(15, max(11, BitPacking.width(of: UInt64(alphabetCount)) + 4))
    }

    /// All ones for a state that has fallen below its floor, else 0.
    ///
    /// Whether that is so follows no pattern that a processor could foresee, so masks stand where a branch would.
    @inline(__always)
    static func mask(ofLow state: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: (Int64(state) &- Int64(stateFloor)) &>> 63)
    }

    /// Scales counts to frequencies of 1 or more that add up to 2^precision.
    static func normalise(_ counts: UnsafeMutableBufferPointer<UInt64>, total: Int, precision: Int) {
        var sum: UInt64 = 0
        for index in counts.indices {
            counts[index] = max(1, (counts[index] << UInt64(precision)) / UInt64(total))
            sum += counts[index]
        }
        let whole = UInt64(1) << UInt64(precision)
        if sum < whole, let largest = counts.indices.max(by: { counts[$0] < counts[$1] }) {
            counts[largest] += whole - sum
        }
        while sum > whole {
            let (excess, sumBefore) = (sum - whole, sum)
            for index in counts.indices where counts[index] > 1 && sum > whole {
                let share = (counts[index] * excess + sumBefore - 1) / sumBefore
                let cut = min(share, counts[index] - 1, sum - whole)
                counts[index] -= cut
                sum -= cut
            }
        }
    }

    /// What the encoder needs for one symbol of frequency f, starting at c.
    ///
    /// The step x to (x / f) * 2^p + x mod f + c is x + bias + (x / f) * complement, with complement = 2^p - f. The
    /// quotient is the upper half of x * reciprocal, reciprocal = ceil(2^64 / f), exact for 32-bit x. For f = 1 that
    /// does not fit; with 2^64 - 1 the quotient is x - 1, which a bias larger by 2^p - 1 makes up for.
    struct Symbol: BitwiseCopyable {
        var reciprocal: UInt64
        var limit: UInt32
        var bias: UInt32
        var complement: UInt32

        init(start: UInt32, frequency: UInt32, precision: Int) {
            let whole = UInt32(1) << UInt32(precision)
            limit = frequency << UInt32(32 - precision)
            complement = whole - frequency
            if frequency == 1 {
                reciprocal = .max
                bias = start + whole - 1
            } else {
                reciprocal = UInt64.max / UInt64(frequency) + 1
                bias = start
            }
        }
    }

    /// Encodes `symbols` piece by piece to `words`, and the number of words before each piece to `firstWords`.
    ///
    /// `words` needs room for 4 bytes a piece and 2 for each symbol, and `lanes` for `laneCount` times
    /// `largestPieceByteCount` and 2 bytes more. Returns the number of bytes written.
    static func encode(
        _ symbols: UnsafeBufferPointer<UInt16>, table: UnsafePointer<Symbol>, lanes: UnsafeMutableRawPointer,
        to words: UnsafeMutableRawPointer, firstWords: UnsafeMutablePointer<UInt64>
    ) -> Int {
        let base = symbols.baseAddress.unsafelyUnwrapped
        let ends = (0..<laneCount).map { lanes + 2 + ($0 + 1) * largestPieceByteCount }
        var byteCount = 0
        func keep(_ start: UnsafeMutableRawPointer, end: UnsafeMutableRawPointer, piece: Int) {
            firstWords[piece] = UInt64(byteCount / 2)
            (words + byteCount).copyMemory(from: start, byteCount: end - start)
            byteCount += end - start
        }
        var piece = 0
        while (piece + laneCount) * Piece.valueCount <= symbols.count {
            let starts = encodeInStep(base + piece * Piece.valueCount, table, (ends[0], ends[1], ends[2], ends[3]))
            keep(starts.0, end: ends[0], piece: piece)
            keep(starts.1, end: ends[1], piece: piece + 1)
            keep(starts.2, end: ends[2], piece: piece + 2)
            keep(starts.3, end: ends[3], piece: piece + 3)
            piece += laneCount
        }
        while piece < Piece.count(of: symbols.count) {
            var (position, state) = (ends[0], stateFloor)
            for index in Piece.range(piece, of: symbols.count).reversed() {
                put(table[Int(base[index])], &state, &position)
            }
            position -= stateByteCount
            position.storeBytes(of: state, as: UInt32.self)
            keep(position, end: ends[0], piece: piece)
            piece += 1
        }
        return byteCount
    }

    private typealias Lanes = (
        UnsafeMutableRawPointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer
    )

    /// Encodes four whole pieces, each ending at one of `ends`; returns where they start.
    private static func encodeInStep(
        _ symbols: UnsafePointer<UInt16>, _ table: UnsafePointer<Symbol>, _ ends: Lanes
    ) -> Lanes {
        var (p0, p1, p2, p3) = ends
        var (s0, s1, s2, s3) = (stateFloor, stateFloor, stateFloor, stateFloor)
        var index = Piece.valueCount
        while index > 0 {
            index &-= 1
            put(table[Int(symbols[index])], &s0, &p0)
            put(table[Int(symbols[index &+ Piece.valueCount])], &s1, &p1)
            put(table[Int(symbols[index &+ 2 &* Piece.valueCount])], &s2, &p2)
            put(table[Int(symbols[index &+ 3 &* Piece.valueCount])], &s3, &p3)
        }
        (p0, p1, p2, p3) = (p0 - stateByteCount, p1 - stateByteCount, p2 - stateByteCount, p3 - stateByteCount)
        p0.storeBytes(of: s0, as: UInt32.self)
        p1.storeBytes(of: s1, as: UInt32.self)
        p2.storeBytes(of: s2, as: UInt32.self)
        p3.storeBytes(of: s3, as: UInt32.self)
        return (p0, p1, p2, p3)
    }

    @inline(__always)
    private static func put(_ symbol: Symbol, _ state: inout UInt32, _ position: inout UnsafeMutableRawPointer) {
        // The word is always stored below the position, and kept only when the state must shrink.
        (position - 2).storeBytes(of: UInt16(truncatingIfNeeded: state), as: UInt16.self)
        let isFull = state >= symbol.limit
        position -= isFull ? 2 : 0
        state = isFull ? state &>> 16 : state
        let quotient = UInt32(truncatingIfNeeded: UInt64(state).multipliedFullWidth(by: symbol.reciprocal).high)
        state = state &+ symbol.bias &+ quotient &* symbol.complement
    }
}
