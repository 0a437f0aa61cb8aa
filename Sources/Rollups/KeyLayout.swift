/// How the codes of a cell's dimensions are packed into one number of up to 128 bits.
///
/// The first dimension takes the highest bits, so that packed keys sort as their dimensions do in order.
struct KeyLayout: Hashable, Sendable {
    struct Field: Hashable, Sendable {
        var dimension: Dimension
        /// Bits of the key below this field.
        var shift: Int
    }

    let fields: [Field]
    /// Bits of the whole key, 0 to 128.
    let bitCount: Int

    init(_ dimensions: [Dimension]) throws(RollupError) {
        let total = dimensions.reduce(0) { $0 + $1.bitCount }
        guard total <= 128 else { throw .keyTooWide(dimensions: dimensions, bitCount: total) }
        var shift = total
        var fields: [Field] = []
        for dimension in dimensions {
            guard dimension.bitCount > 0 else { throw .impliedDimension(dimension) }
            shift -= dimension.bitCount
            fields.append(Field(dimension: dimension, shift: shift))
        }
        self.fields = fields
        bitCount = total
    }

    /// Words of 64 bits that a key takes: 1 or 2.
    var wordCount: Int { bitCount > 64 ? 2 : 1 }

    func shift(of dimension: Dimension) -> Int? { fields.first { $0.dimension == dimension }?.shift }

    /// The codes of a packed key, in the order of the dimensions.
    func codes(of key: UInt128) -> [UInt32] { fields.map { $0.code(in: key) } }
}

extension KeyLayout.Field {
    @inline(__always)
    func code(in key: UInt128) -> UInt32 {
        UInt32(truncatingIfNeeded: key >> UInt128(truncatingIfNeeded: shift)) & mask
    }

    /// What a part of the field's code is moved by on its way into the key.
    struct Part {
        /// True when it lies in the upper of the key's two words.
        var isHigh: Bool
        /// Bits of the code below the part.
        var skippedBitCount: Int
        /// Takes the part, once the bits below it are gone.
        var mask: UInt32
        /// Bits of the word below the part.
        var shift: UInt64
    }

    /// The code's parts: two where it lies across both words of the key.
    var parts: [Part] {
        var parts: [Part] = []
        if shift < 64 { parts.append(Part(isHigh: false, skippedBitCount: 0, mask: mask, shift: UInt64(shift))) }
        if shift + dimension.bitCount > 64 {
            let below = max(0, 64 - shift)
            parts.append(
                Part(
                    isHigh: true, skippedBitCount: below, mask: mask >> UInt32(below),
                    shift: UInt64(max(0, shift - 64))))
        }
        return parts
    }

    var mask: UInt32 { UInt32(truncatingIfNeeded: UInt64(1) << UInt64(dimension.bitCount) - 1) }
}
