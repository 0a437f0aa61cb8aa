/// A frame of reference with a scale: a value is stored as `(value - reference) / scale` in `width` bits.
///
/// Amounts in thousands and times in whole milliseconds share a common divisor, which costs 10 bits each when it is
/// kept. All arithmetic wraps modulo 2^64, so a frame from a hostile descriptor yields wrong values and never a trap.
///
/// The quotient of a division without remainder is a product: for scale = odd * 2^shift it is
/// `(x >> shift) * inverse`, where inverse * odd = 1 modulo 2^64 (Granlund and Montgomery, PLDI 1994, section 9).
struct Frame {
    /// The value that is stored as 0.
    let reference: UInt64
    /// The common divisor, 1 or more.
    let scale: UInt64
    /// Bits of a stored value, 0...64.
    let width: Int
    /// Trailing zero bits of `scale`.
    let shift: UInt64
    /// The inverse modulo 2^64 of the odd part of `scale`.
    let inverse: UInt64

    init(reference: UInt64, scale: UInt64, width: Int) {
        self.reference = reference
        self.scale = scale
        self.width = width
        shift = UInt64(scale.trailingZeroBitCount) & 63
        inverse = Frame.inverse(ofOdd: scale >> shift)
    }

    /// The narrowest frame around all of `values`, with their greatest common divisor as its scale.
    init(covering values: UnsafeBufferPointer<UInt64>) {
        var least = UInt64.max
        var greatest = UInt64.min
        for value in values {
            least = min(least, value)
            greatest = max(greatest, value)
        }
        guard least < greatest else {
            self.init(reference: values.isEmpty ? 0 : least, scale: 1, width: 0)
            return
        }
        let scale = Frame.commonDivisor(of: values, above: least, spread: greatest - least)
        self.init(reference: least, scale: scale, width: BitPacking.width(of: (greatest - least) / scale))
    }

    /// `(value - reference) / scale` of a value for which that leaves no remainder.
    func quotient(_ value: UInt64) -> UInt64 { ((value &- reference) >> shift) &* inverse }

    /// Newton's iteration doubles the correct low bits: 3, 6, 12, 24, 48, 96.
    private static func inverse(ofOdd odd: UInt64) -> UInt64 {
        var inverse = odd
        for _ in 0..<5 { inverse = inverse &* (2 &- odd &* inverse) }
        return inverse
    }

    /// The greatest common divisor of all `value - least`. A few values usually prove that it is 1.
    private static func commonDivisor(
        of values: UnsafeBufferPointer<UInt64>, above least: UInt64, spread: UInt64
    ) -> UInt64 {
        var divisor = spread
        for index in stride(from: 0, to: values.count, by: max(1, values.count / 32)) {
            divisor = greatestCommonDivisor(divisor, values[index] - least)
            if divisor == 1 { return 1 }
        }
        var index = 0
        while divisor > 1 {
            index = firstIndivisible(values, from: index, least: least, divisor: divisor)
            if index == values.count { return divisor }
            divisor = greatestCommonDivisor(divisor, values[index] - least)
        }
        return 1
    }

    /// x is a multiple of odd * 2^shift exactly when x * inverse, rotated right by shift, is at most max / divisor
    /// (Hacker's Delight, section 10-17).
    private static func firstIndivisible(
        _ values: UnsafeBufferPointer<UInt64>, from start: Int, least: UInt64, divisor: UInt64
    ) -> Int {
        let shift = UInt64(divisor.trailingZeroBitCount)
        let inverse = inverse(ofOdd: divisor >> shift)
        let largest = UInt64.max / divisor
        for index in start..<values.count {
            let product = (values[index] &- least) &* inverse
            let rotated = shift == 0 ? product : product >> shift | product << (64 - shift)
            if rotated > largest { return index }
        }
        return values.count
    }
}

/// Stein's binary algorithm; the other number when one is 0.
func greatestCommonDivisor(_ first: UInt64, _ second: UInt64) -> UInt64 {
    if first == 0 || second == 0 { return first | second }
    let twos = (first | second).trailingZeroBitCount
    var a = first >> UInt64(first.trailingZeroBitCount)
    var b = second
    while b != 0 {
        b >>= UInt64(b.trailingZeroBitCount)
        if a > b { swap(&a, &b) }
        b -= a
    }
    return a << UInt64(twos)
}
