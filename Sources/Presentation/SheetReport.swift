import Analysis
import Rollups
import Transactions

extension Report {
    /// A sheet in words: names for codes, and money as exact decimals in major units of its row's currency.
    public init(_ sheet: Sheet, names: NameLookup) {
        let dimensions = sheet.dimensions.map { Column(sheet.attributes[$0]?.name ?? $0.name, isNumeric: false) }
        let figures = sheet.columns.map { Column($0.name, isNumeric: $0.isNumeric) }
        let rows = sheet.rows.map { row in
            let currency = Currency(rawValue: UInt16(truncatingIfNeeded: sheet.currencyCode(of: row)))
            return zip(sheet.dimensions, row.codes).map { dimension, code in
                .text(sheet.attributes[dimension]?.texts[Int(code)] ?? dimension.text(of: code, names: names))
            }
                + row.values.map { Value($0, in: currency, names: names) }
        }
        self.init(columns: dimensions + figures, rows: rows, sequence: sheet.sequence, damage: sheet.damage)
    }
}

extension Report.Value {
    /// A sheet's value in words.
    fileprivate init(_ value: Sheet.Value, in currency: Currency, names: NameLookup) {
        switch value {
        case .whole(let count): self = .count(count)
        case .money(let minorUnits): self = .decimal(currency.decimal(minorUnits: minorUnits))
        case .second(let second):
            self = .text(TimeText.text(ofMicroseconds: second &* 1_000_000).prefix(19) + "Z")
        case .percent(let hundredths): self = .percent(hundredths: hundredths, isSigned: false)
        case .growth(let hundredths): self = .percent(hundredths: hundredths, isSigned: true)
        case .estimate(let value): self = .estimate(Report.Value(value, in: currency, names: names))
        case .text(let text): self = .text(text)
        case .name(let dimension, let code): self = .text(dimension.text(of: code, names: names))
        case .none: self = .none
        }
    }
}
