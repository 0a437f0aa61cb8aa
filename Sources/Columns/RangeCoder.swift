/// A range coder over a small alphabet: a symbol of frequency f in 2^precision costs log2(2^precision / f) bits.
///
/// Skewed columns (outcomes, services and institutions by Zipf) come within a few percent of their entropy, where whole
/// bits would waste up to one a value. It is the range variant of asymmetric numeral systems (Duda, arXiv:1311.2540)
/// with 32-bit states and 16-bit words. Four states take turns, value i belonging to state i modulo 4, so that their
/// dependency chains overlap. The encoder works backwards through the values; the decoder forwards:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 16 | the four states at the first value, UInt32 each |
/// | 16 | 2 each | words in the order in which the decoder takes them |
///
/// A state is always at least 2^16. The decoder must end with all four states at exactly 2^16 and no word left.
enum RangeCoder {
    /// The most distinct values that are coded.
    static let largestAlphabetCount = 8192
    /// Where a state starts and what it never falls below.
    static let stateFloor: UInt32 = 1 << 16
    static let stateByteCount = 16

    /// The precision for an alphabet, 11...15: fine enough that rare symbols are not rounded up by much.
    static func precision(alphabetCount: Int) -> Int {
        min(15, max(11, BitPacking.width(of: UInt64(alphabetCount)) + 4))
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

    /// Encodes `symbols` backwards, ending at `end`; returns the number of bytes written before `end`.
    ///
    /// Needs room for 16 bytes and 2 for each symbol.
    static func encode(
        _ symbols: UnsafeBufferPointer<UInt16>, table: UnsafePointer<Symbol>, end: UnsafeMutableRawPointer
    ) -> Int {
        var position = end
        var states: (UInt32, UInt32, UInt32, UInt32) = (stateFloor, stateFloor, stateFloor, stateFloor)
        var index = symbols.count
        let base = symbols.baseAddress.unsafelyUnwrapped
        while index & 3 != 0 {
            index -= 1
            let symbol = table[Int(base[index])]
            switch index & 3 {
            case 0: put(symbol, &states.0, &position)
            case 1: put(symbol, &states.1, &position)
            default: put(symbol, &states.2, &position)
            }
        }
        while index > 0 {
            index -= 4
            put(table[Int(base[index + 3])], &states.3, &position)
            put(table[Int(base[index + 2])], &states.2, &position)
            put(table[Int(base[index + 1])], &states.1, &position)
            put(table[Int(base[index])], &states.0, &position)
        }
        position -= stateByteCount
        position.storeBytes(of: states.0, toByteOffset: 0, as: UInt32.self)
        position.storeBytes(of: states.1, toByteOffset: 4, as: UInt32.self)
        position.storeBytes(of: states.2, toByteOffset: 8, as: UInt32.self)
        position.storeBytes(of: states.3, toByteOffset: 12, as: UInt32.self)
        return end - position
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

    /// Fills the decoder's table: one entry for each of the 2^precision places, holding the symbol's number in bits 0
    /// to 15, its frequency in bits 16 to 31 and the place's distance from the symbol's start in bits 32 to 47.
    ///
    /// False when the frequencies are not all at least 1 or do not add up.
    static func fillTable(
        _ table: UnsafeMutablePointer<UInt64>, frequencies: UnsafeBufferPointer<UInt64>, precision: Int
    ) -> Bool {
        let whole = UInt64(1) << UInt64(precision)
        var start: UInt64 = 0
        for (number, frequency) in frequencies.enumerated() {
            guard frequency >= 1, frequency <= whole - start else { return false }
            let entry = UInt64(number) | frequency << 16
            for distance in 0..<frequency { table[Int(start + distance)] = entry | distance << 32 }
            start += frequency
        }
        return start == whole
    }

    /// Decodes `output.count` values; false when the bytes are not what an encoder wrote.
    static func decode(
        _ bytes: UnsafeRawBufferPointer, table: UnsafePointer<UInt64>, precision: Int,
        values: UnsafePointer<UInt64>, into output: UnsafeMutableBufferPointer<UInt64>
    ) -> Bool {
        guard bytes.count >= stateByteCount, bytes.count % 2 == 0, let base = bytes.baseAddress else { return false }
        var reader = Reader(
            position: base + stateByteCount, end: base + bytes.count, table: table, values: values,
            precision: UInt32(precision))
        var states = base.loadUnaligned(as: SIMD4<UInt32>.self)
        guard states.min() >= stateFloor else { return false }
        var (s0, s1, s2, s3) = (states[0], states[1], states[2], states[3])
        let target = output.baseAddress.unsafelyUnwrapped
        var index = 0
        while index &+ 4 <= output.count, reader.end - reader.position >= 8 {
            target[index] = reader.take(&s0)
            target[index &+ 1] = reader.take(&s1)
            target[index &+ 2] = reader.take(&s2)
            target[index &+ 3] = reader.take(&s3)
            index &+= 4
        }
        states = SIMD4(s0, s1, s2, s3)
        while index < output.count {
            guard let value = reader.takeCarefully(&states[index & 3]) else { return false }
            target[index] = value
            index += 1
        }
        return reader.position == reader.end && states == SIMD4(repeating: stateFloor)
    }

    private struct Reader {
        var position: UnsafeRawPointer
        let end: UnsafeRawPointer
        let table: UnsafePointer<UInt64>
        let values: UnsafePointer<UInt64>
        let precision: UInt32

        /// Needs a readable word at the position.
        @inline(__always)
        mutating func take(_ state: inout UInt32) -> UInt64 {
            let entry = advance(&state)
            let word = UInt32(position.loadUnaligned(as: UInt16.self))
            let isLow = state < stateFloor
            position += isLow ? 2 : 0
            state = isLow ? state &<< 16 | word : state
            return values[Int(entry & 0xFFFF)]
        }

        mutating func takeCarefully(_ state: inout UInt32) -> UInt64? {
            let entry = advance(&state)
            if state < stateFloor {
                guard position < end else { return nil }
                state = state << 16 | UInt32(position.loadUnaligned(as: UInt16.self))
                position += 2
            }
            return values[Int(entry & 0xFFFF)]
        }

        @inline(__always)
        private func advance(_ state: inout UInt32) -> UInt64 {
            let entry = table[Int(state & ((1 &<< precision) &- 1))]
            let frequency = UInt32(truncatingIfNeeded: entry &>> 16) & 0xFFFF
            let distance = UInt32(truncatingIfNeeded: entry &>> 32)
            state = frequency &* (state &>> precision) &+ distance
            return entry
        }
    }
}
