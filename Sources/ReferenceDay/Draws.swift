/// Random words that depend on a seed and a position only, so that any record can be made again without those before it.
///
/// Source: SplitMix64, G. L. Steele Jr., D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014, with D. Stafford's thirteenth set of constants. Each position begins at a state of its own, mixed from
/// seed and position, and steps on by the golden ratio.
struct Draws {
    private var state: UInt64

    static let goldenRatio: UInt64 = 0x9E37_79B9_7F4A_7C15

    @inline(__always)
    init(seed: UInt64, position: Int) {
        state = mixed(seed &+ UInt64(truncatingIfNeeded: position) &* Draws.goldenRatio)
    }

    @inline(__always)
    mutating func next() -> UInt64 {
        state &+= Draws.goldenRatio
        return mixed(state)
    }
}

/// A bijection of 64 bits in which every output bit depends on every input bit.
@inline(__always)
func mixed(_ value: UInt64) -> UInt64 {
    var value = value
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
}

/// 0..<`bound`, from the high 32 bits of a random word. `bound` must be below 2^32.
///
/// Source: D. Lemire, "Fast Random Integer Generation in an Interval", 2019, without the rejection: no value is off its
/// share by more than `bound` / 2^32.
@inline(__always)
func scaled(_ draw: UInt64, below bound: Int) -> Int {
    Int(truncatingIfNeeded: ((draw >> 32) &* UInt64(truncatingIfNeeded: bound)) >> 32)
}
