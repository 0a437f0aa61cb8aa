/// An ISO 4217 currency, by its numeric code.
@frozen
public struct Currency: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    /// The ISO 4217 numeric code, 1 to 999.
    public var rawValue: UInt16

    /// Takes the numeric code as it is, known or not.
    @inlinable
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Finds a currency by its alphabetic code in upper case, such as `VND`, or by its three-digit numeric code.
    public init?(code: some StringProtocol) {
        if let match = Currency.table.byAlphabeticCode[String(code)] {
            self = match
        } else if code.utf8.count == 3, let number = UInt16(code), Currency(rawValue: number).isKnown {
            self.init(rawValue: number)
        } else {
            return nil
        }
    }

    /// Vietnamese dong: no minor unit.
    public static let vnd = Currency(rawValue: 704)
    /// Pound sterling: 2 digits.
    public static let gbp = Currency(rawValue: 826)
    /// United States dollar: 2 digits.
    public static let usd = Currency(rawValue: 840)
    /// Kuwaiti dinar: 3 digits.
    public static let kwd = Currency(rawValue: 414)
    /// "No currency": for requests without a price.
    public static let none = Currency(rawValue: 999)

    /// True when ISO 4217 lists the code as current.
    public var isKnown: Bool { rawValue < 1000 && Currency.table.minorUnitDigits[Int(rawValue)] != Currency.absent }

    /// Digits after the decimal point: VND 0, GBP 2, KWD 3. 0 for an unknown code.
    public var minorUnitDigits: Int {
        isKnown ? Int(Currency.table.minorUnitDigits[Int(rawValue)]) : 0
    }

    /// The alphabetic code, else the number.
    public var code: String { Currency.table.alphabeticCodes[rawValue] ?? "\(rawValue)" }

    private static let absent: UInt8 = 0xFF

    private struct Table: Sendable {
        var minorUnitDigits = [UInt8](repeating: Currency.absent, count: 1000)
        var alphabeticCodes: [UInt16: String] = [:]
        var byAlphabeticCode: [String: Currency] = [:]
    }

    private static let table: Table = {
        var table = Table()
        for (digits, codes) in registry {
            for entry in codes.split(whereSeparator: { $0 == "," || $0 == "\n" }) {
                let parts = entry.split(separator: " ")
                let number = UInt16(parts[0])!
                table.minorUnitDigits[Int(number)] = UInt8(digits)
                table.alphabeticCodes[number] = String(parts[1])
                table.byAlphabeticCode[String(parts[1])] = Currency(rawValue: number)
            }
        }
        return table
    }()
}

extension Currency {
    /// An exact decimal in major units: 5839763 of GBP is `58397.63`.
    public func decimal(minorUnits: Int128) -> String { decimalText(minorUnits, fractionDigits: minorUnitDigits) }
}

/// `value` x 10^-`fractionDigits` in plain digits.
public func decimalText(_ value: Int128, fractionDigits: Int) -> String {
    guard fractionDigits > 0 else { return "\(value)" }
    var digits = String(value.magnitude)
    if digits.count <= fractionDigits {
        digits = String(repeating: "0", count: fractionDigits + 1 - digits.count) + digits
    }
    let point = digits.index(digits.endIndex, offsetBy: -fractionDigits)
    return (value < 0 ? "-" : "") + digits[..<point] + "." + digits[point...]
}
