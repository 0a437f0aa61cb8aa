/// Packing of unsigned values into a string of bits, least significant bit first, without gaps.
///
/// Value `i` of `width` bits lies at bit `i * width`, counted from the lowest bit of the first byte. Both directions
/// move whole unaligned words, so that neither branches on where a value falls. At most 7 bits precede a value inside
/// its first byte: 56 bits beside them fit a word when writing, 57 when reading; wider values take two steps.
enum BitPacking {
    /// Bytes that `pack` may touch after the last packed byte.
    static let slackByteCount = 8

    /// Bytes of `count` packed values of `width` bits.
    static func byteCount(count: Int, width: Int) -> Int { (count * width + 7) / 8 }

    /// The number of bits that `value` needs; 0 for 0.
    static func width(of value: UInt64) -> Int { 64 - value.leadingZeroBitCount }

    /// The lowest `width` bits.
    static func mask(_ width: Int) -> UInt64 { width == 64 ? .max : (1 << UInt64(width)) - 1 }

    /// Packs what `frame` makes of `values`; bits above the width are cut off.
    ///
    /// `destination` needs room for `byteCount(count:width:)` and `slackByteCount` more.
    static func pack(_ values: UnsafeBufferPointer<UInt64>, frame: Frame, to destination: UnsafeMutableRawPointer) {
        guard let base = values.baseAddress, frame.width > 0 else { return }
        let (reference, shift, inverse) = (frame.reference, frame.shift, frame.inverse)
        let mask = mask(frame.width)
        if frame.width <= 56 {
            let width = UInt64(frame.width)
            var writer = BitWriter(destination)
            for index in 0..<values.count {
                let quotient = ((base[index] &- reference) &>> shift) &* inverse
                writer.append(quotient & mask, width: width)
            }
        } else {
            let upperWidth = UInt64(frame.width - 32)
            var writer = BitWriter(destination)
            for index in 0..<values.count {
                let quotient = (((base[index] &- reference) &>> shift) &* inverse) & mask
                writer.append(quotient & 0xFFFF_FFFF, width: 32)
                writer.append(quotient &>> 32, width: upperWidth)
            }
        }
    }

    /// Unpacks `output.count` values: each is `reference` and `scale` times what is packed.
    ///
    /// `bytes` must hold at least `byteCount(count:width:)` bytes; nothing behind `bytes` is read.
    static func unpack(
        _ bytes: UnsafeRawBufferPointer, reference: UInt64, scale: UInt64, width: Int,
        into output: UnsafeMutableBufferPointer<UInt64>
    ) {
        guard let target = output.baseAddress, !output.isEmpty else { return }
        guard width > 0, let base = bytes.baseAddress else {
            output.update(repeating: reference)
            return
        }
        precondition(bytes.count >= byteCount(count: output.count, width: width), "packed bytes were not bounded")
        let mask = mask(width)
        // Value i reads bytes [i * width / 8, i * width / 8 + 9): in bounds while i * width / 8 <= bytes.count - 9.
        let wholeWordCount = bytes.count < 9 ? 0 : min(output.count, (bytes.count - 9) * 8 / width + 1)
        if width <= 57 {
            for index in 0..<wholeWordCount {
                let bit = index &* width
                let word = base.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt64.self)
                target[index] = reference &+ ((word &>> UInt64(bit & 7)) & mask) &* scale
            }
        } else {
            for index in 0..<wholeWordCount {
                let bit = index &* width
                let word = base.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt64.self)
                let next = UInt64(base.load(fromByteOffset: bit &>> 3 &+ 8, as: UInt8.self))
                let offset = UInt64(bit & 7)
                let value = (word &>> offset) | ((next &<< 1) &<< (63 &- offset))
                target[index] = reference &+ (value & mask) &* scale
            }
        }
        for index in wholeWordCount..<output.count {
            target[index] = reference &+ carefulValue(bytes, bit: index * width, mask: mask) &* scale
        }
    }

    /// The packed value at `index`, which must lie inside `bytes`.
    @inline(__always)
    static func value(_ bytes: UnsafeRawBufferPointer, at index: Int, width: Int) -> UInt64 {
        guard width > 0 else { return 0 }
        let bit = index * width
        guard width <= 57, bit / 8 <= bytes.count - 8 else { return carefulValue(bytes, bit: bit, mask: mask(width)) }
        let word = bytes.loadUnaligned(fromByteOffset: bit / 8, as: UInt64.self)
        return word >> UInt64(bit & 7) & mask(width)
    }

    /// One of the last values, whose word would reach behind the bytes.
    private static func carefulValue(_ bytes: UnsafeRawBufferPointer, bit: Int, mask: UInt64) -> UInt64 {
        var low: UInt64 = 0
        var high: UInt64 = 0
        for position in 0..<min(9, bytes.count - bit / 8) {
            let byte = UInt64(bytes[bit / 8 + position])
            if position < 8 { low |= byte << UInt64(8 * position) } else { high = byte }
        }
        let offset = UInt64(bit & 7)
        return (low >> offset | (high << 1) << (63 - offset)) & mask
    }
}

/// Appends values of at most 56 bits. Between calls fewer than 8 bits are pending.
private struct BitWriter {
    private var position: UnsafeMutableRawPointer
    private var pending: UInt64 = 0
    private var pendingBitCount: UInt64 = 0

    init(_ position: UnsafeMutableRawPointer) { self.position = position }

    @inline(__always)
    mutating func append(_ value: UInt64, width: UInt64) {
        pending |= value &<< pendingBitCount
        position.storeBytes(of: pending, as: UInt64.self)
        pendingBitCount &+= width
        position += Int(truncatingIfNeeded: pendingBitCount &>> 3)
        pending = pending &>> (pendingBitCount & ~7)
        pendingBitCount &= 7
    }
}
