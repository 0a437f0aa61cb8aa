import Transactions

/// Digits and short texts as 64-bit words, eight bytes at a time, the first byte lowest.
///
/// A byte d is a digit's value exactly when neither d nor d + 0x76 has its top bit set; in a word, a byte that carries into
/// the next has its own top bit set and gives the word away.
extension FieldText {
    private static let topBits: UInt64 = 0x8080_8080_8080_8080
    private static let zeros: UInt64 = 0x3030_3030_3030_3030

    /// Eight bytes from an offset on, at most `slackByteCount` behind the end.
    @inline(__always)
    func word(at offset: Int) -> UInt64 { UnsafeRawPointer(start + offset).loadUnaligned(as: UInt64.self) }

    @inline(__always)
    private func halfWord(at offset: Int) -> UInt64 {
        UInt64(UnsafeRawPointer(start + offset).loadUnaligned(as: UInt32.self))
    }

    /// Bytes 0 to 7 of the text, zeros behind its end.
    @inline(__always)
    var low: UInt64 { count >= 8 ? word(at: 0) : count == 0 ? 0 : word(at: 0) & (.max &>> UInt64(64 - 8 * count)) }

    /// Bytes 8 to 15 of the text, zeros behind its end.
    @inline(__always)
    var high: UInt64 {
        count >= 16 ? word(at: 8) : count <= 8 ? 0 : word(at: 8) & (.max &>> UInt64(128 - 8 * count))
    }

    /// What one to eight digits say; nil for anything else.
    @inline(__always)
    var shortNumber: UInt64? {
        guard UInt(bitPattern: count &- 1) < 8 else { return nil }
        return FieldText.number((word(at: 0) ^ FieldText.zeros) &<< UInt64(64 - 8 * count))
    }

    /// What one to sixteen digits say; nil for anything else.
    @inline(__always)
    var number: UInt64? {
        if count <= 8 { return shortNumber }
        guard count <= 16, let front = part(0..<count - 8).shortNumber,
            let back = FieldText.number(word(at: count - 8) ^ FieldText.zeros)
        else { return nil }
        return front * 100_000_000 + back
    }

    /// The number of eight digits' values, the most significant lowest; nil when a byte is above 9.
    @inline(__always)
    private static func number(_ digits: UInt64) -> UInt64? {
        guard (digits | (digits &+ 0x7676_7676_7676_7676)) & topBits == 0 else { return nil }
        let pairs = (digits &* 2561) &>> 8 & 0x00FF_00FF_00FF_00FF
        let fours = (pairs &* 6_553_601) &>> 16 & 0x0000_FFFF_0000_FFFF
        return (fours &* 42_949_672_960_001) &>> 32
    }

    /// The time of day in `HH:mm:ss` from an offset on, in seconds; nil when it is none.
    @inline(__always)
    func secondOfDay(at offset: Int) -> Int64? {
        // "00:00:00": what is left are the digits' values, and zeros for the colons.
        let digits = word(at: offset) ^ 0x3030_3A30_303A_3030
        guard (digits | (digits &+ 0x7676_7676_7676_7676)) & FieldText.topBits == 0,
            digits & 0x0000_FF00_00FF_0000 == 0
        else { return nil }
        func pair(_ shift: UInt64) -> Int64 { Int64(digits &>> shift & 0xF) * 10 + Int64(digits &>> (shift + 8) & 0xF) }
        let (hour, minute, second) = (pair(0), pair(24), pair(48))
        guard hour < 24, minute < 60, second < 60 else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    /// The microseconds that one to six digits of a fraction mean; nil for anything else.
    @inline(__always)
    var fractionMicroseconds: Int64? {
        guard count <= 6, let digits = shortNumber else { return nil }
        return Int64(digits) * FieldText.powerOf10(6 - count)
    }

    /// 10 to the power of 0 to 6.
    @inline(__always)
    static func powerOf10(_ exponent: Int) -> Int64 {
        switch exponent {
        case 0: 1
        case 1: 10
        case 2: 100
        case 3: 1000
        case 4: 10_000
        case 5: 100_000
        default: 1_000_000
        }
    }

    /// The four bytes that eight hexadecimal digits mean, the first one lowest; nil when a byte is none.
    @inline(__always)
    private static func bytes(hexadecimal word: UInt64) -> UInt64? {
        let digits = word ^ zeros
        // 1 to 6 for a letter of either case.
        let letters = (word | 0x2020_2020_2020_2020) ^ 0x6060_6060_6060_6060
        let noDigit = digits | (digits &+ 0x7676_7676_7676_7676)
        let noLetter = letters | (letters &+ 0x7979_7979_7979_7979) | ~(letters &+ 0x7F7F_7F7F_7F7F_7F7F)
        guard noDigit & noLetter & topBits == 0 else { return nil }
        let values = (word & 0x0F0F_0F0F_0F0F_0F0F) &+ (word &>> 6 & 0x0101_0101_0101_0101) &* 9
        let pairs = (values &<< 4 | values &>> 8) & 0x00FF_00FF_00FF_00FF
        let fours = (pairs | pairs &>> 8) & 0x0000_FFFF_0000_FFFF
        return (fours | fours &>> 16) & 0xFFFF_FFFF
    }

    /// The id of a UUID's text; nil when the text is none.
    @inline(__always)
    var uuid: RecordID? {
        let dash = UInt8(ascii: "-")
        guard count == 36, start[8] == dash, start[13] == dash, start[18] == dash, start[23] == dash,
            let first = FieldText.bytes(hexadecimal: word(at: 0)),
            let second = FieldText.bytes(hexadecimal: halfWord(at: 9) | halfWord(at: 14) &<< 32),
            let third = FieldText.bytes(hexadecimal: halfWord(at: 19) | halfWord(at: 24) &<< 32),
            let fourth = FieldText.bytes(hexadecimal: word(at: 28))
        else { return nil }
        return RecordID(low: first | second &<< 32, high: third | fourth &<< 32)
    }

    /// The id of a reference of up to 16 ASCII bytes without a NUL; nil for any other text.
    @inline(__always)
    var shortReference: RecordID? {
        guard UInt(bitPattern: count &- 1) < 16 else { return nil }
        let (low, high) = (low, high)
        // NULs behind the end become ones; a NUL inside would be a byte whose top bit is set by the subtraction.
        let filledLow = count >= 8 ? low : low | .max &<< UInt64(8 * count)
        let filledHigh = count >= 16 ? high : count <= 8 ? .max : high | .max &<< UInt64(8 * count - 64)
        func hasNUL(_ word: UInt64) -> Bool { (word &- 0x0101_0101_0101_0101) & ~word & FieldText.topBits != 0 }
        guard (low | high) & FieldText.topBits == 0, !hasNUL(filledLow), !hasNUL(filledHigh) else { return nil }
        return RecordID(low: low, high: high)
    }

    /// The token that the product's own form writes; nil for any other text.
    @inline(__always)
    var token: UInt64? {
        guard count == 18, word(at: 0) & 0xFFFF_FFFF_FFFF == 0x3A6E_656B_6F74,
            let first = FieldText.bytes(hexadecimal: word(at: 6)),
            let last = FieldText.bytes(hexadecimal: halfWord(at: 14) | FieldText.zeros &<< 32)
        else { return nil }
        let token = first | last &<< 32
        return token == 0 ? nil : token
    }
}
