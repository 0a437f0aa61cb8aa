/// Reads amounts and durations as exact integers of their smallest unit; nothing is ever rounded to binary fractions.
package struct DecimalReader {
    /// What is wrong with a number, in words that follow the value.
    package struct Fault: Error {
        var message: String
        init(_ message: String) { self.message = message }
    }

    private let decimalSeparator: [UInt8]
    private let thousandsSeparator: [UInt8]
    /// The decimal separator where it is one byte, else 0.
    let decimalByte: UInt8

    /// - Parameter thousandsSeparator: empty where digits must not be grouped.
    package init(decimalSeparator: String, thousandsSeparator: String) {
        self.decimalSeparator = Array(decimalSeparator.utf8)
        self.thousandsSeparator = Array(thousandsSeparator.utf8)
        decimalByte = decimalSeparator.utf8.count == 1 ? decimalSeparator.utf8.first! : 0
    }

    /// JSON's own numbers.
    package static let plain = DecimalReader(decimalSeparator: ".", thousandsSeparator: "")

    /// `integer` of numbers as they are written most often: up to 16 digits, and no decimals or all that there can be. Nil for
    /// all other texts.
    @inline(__always)
    static func plainInteger(_ text: FieldText, fractionDigits: Int, decimalByte: UInt8) -> Int64? {
        if let whole = text.number {
            if fractionDigits == 0 { return Int64(whole) }
            let (value, overflow) = Int64(whole).multipliedReportingOverflow(by: FieldText.powerOf10(fractionDigits))
            return overflow ? nil : value
        }
        let point = text.count - 1 - fractionDigits
        guard (1...12).contains(point), fractionDigits > 0, decimalByte != 0, text.start[point] == decimalByte,
            let whole = text.part(0..<point).number, let decimals = text.part(point + 1..<text.count).shortNumber
        else { return nil }
        return Int64(whole) * FieldText.powerOf10(fractionDigits) + Int64(decimals)
    }

    /// The value x 10^`fractionDigits`; further digits must be zeros.
    ///
    /// A sign may lead. Groups: the last has three digits, those before two or three, the first one to three.
    package func integer(_ text: UnsafeBufferPointer<UInt8>, fractionDigits: Int) throws(Fault) -> Int64 {
        var position = 0
        let isNegative = text.first == UInt8(ascii: "-")
        if isNegative || text.first == UInt8(ascii: "+") { position = 1 }
        var value = Accumulator(isNegative: isNegative)
        var digits = 0
        var groupDigits = 0
        var groups = 0
        while position < text.count {
            let byte = text[position]
            if isDigit(byte) {
                value.append(byte)
                digits += 1
                groupDigits += 1
                position += 1
            } else if digits > 0, let next = end(of: thousandsSeparator, in: text, at: position) {
                guard groups == 0 ? groupDigits <= 3 : (2...3).contains(groupDigits) else { throw badGroups }
                groups += 1
                groupDigits = 0
                position = next
            } else {
                break
            }
        }
        if groups > 0, groupDigits != 3 { throw badGroups }
        var decimals = 0
        if let next = end(of: decimalSeparator, in: text, at: position) {
            position = next
            while position < text.count, isDigit(text[position]) {
                if decimals < fractionDigits {
                    value.append(text[position])
                } else if text[position] != UInt8(ascii: "0") {
                    throw tooManyDecimals(fractionDigits)
                }
                decimals += 1
                position += 1
            }
        }
        guard position == text.count, digits + decimals > 0 else { throw Fault("is not a decimal number") }
        for _ in min(decimals, fractionDigits)..<fractionDigits { value.append(UInt8(ascii: "0")) }
        guard !value.hasOverflowed else { throw Fault("is beyond 64 bits") }
        return value.value
    }

    private var badGroups: Fault { Fault("has thousands separators in wrong places") }

    private func tooManyDecimals(_ fractionDigits: Int) -> Fault {
        Fault(fractionDigits == 0 ? "must be a whole number" : "has more than \(fractionDigits) decimals")
    }

    private func end(of separator: [UInt8], in text: UnsafeBufferPointer<UInt8>, at position: Int) -> Int? {
        guard !separator.isEmpty, position + separator.count <= text.count else { return nil }
        for offset in 0..<separator.count where text[position + offset] != separator[offset] { return nil }
        return position + separator.count
    }

    /// Collects digits towards the number's own sign, so that both ends of the range are reached.
    private struct Accumulator {
        let isNegative: Bool
        var value: Int64 = 0
        var hasOverflowed = false

        init(isNegative: Bool) { self.isNegative = isNegative }

        @inline(__always)
        mutating func append(_ digit: UInt8) {
            let digit = Int64(digit - UInt8(ascii: "0"))
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) =
                isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            value = sum
            hasOverflowed = hasOverflowed || overflow || carry
        }
    }
}
