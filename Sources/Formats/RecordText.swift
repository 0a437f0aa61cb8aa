import Transactions

/// Finds the name of a code; nil where there is none.
public typealias NameLookup = (NameSpace, UInt32) -> String?

/// Writes the fields of records as text, in the product's own form: what is read from it again is the same 64 bytes.
struct RecordText {
    /// What stands around values.
    enum Style {
        /// Quotes only around texts with a comma, a quote or a line break.
        case csv
        /// Quotes around all but integers and truth values.
        case json
    }

    private let style: Style
    private let names: NameLookup?
    /// Codes as they are written, by space.
    private var codes: [[UInt32: [UInt8]]] = Array(repeating: [:], count: 256)
    private let kinds: [[UInt8]]
    private let events: [[UInt8]]
    private let outcomes: [[UInt8]]
    private let channels: [[UInt8]]
    private let currencies: [[UInt8]]

    private static let largestCodeCount = 1 << 18

    init(_ style: Style, names: NameLookup?) {
        self.style = style
        self.names = names
        func written(_ text: String) -> [UInt8] {
            var buffer = TextBuffer()
            RecordText.append(text, style, to: &buffer)
            return buffer.bytes
        }
        kinds = (0..<16).map { written(Kind(rawValue: $0)?.name ?? "\($0)") }
        events = (0..<16).map { written(Event(rawValue: $0)?.name ?? "\($0)") }
        outcomes = (0...255).map { written(Outcome(rawValue: $0).name) }
        channels = (0...255).map { written(Channel(rawValue: $0).name) }
        currencies = (0..<1000).map { written(Currency(rawValue: $0).code) }
    }

    /// True when the field has its default, which need not be written.
    static func isDefault(_ field: MappedField, of record: Record) -> Bool {
        switch field {
        case .step: record.step == 0
        case .overdue: !record.isOverdue
        case .test: !record.isTest
        case .payer: record.payer == 0
        case .payerInstitution: record.payerInstitution == 0
        case .payee: record.payee == 0
        case .payeeInstitution: record.payeeInstitution == 0
        case .service: record.service == 0
        case .region: record.region == 0
        case .duration: record.duration == .unknown
        default: false
        }
    }

    /// Writes a field that has not its default.
    mutating func append(_ field: MappedField, of record: Record, to text: inout TextBuffer) {
        switch field {
        case .id: append(record.id, to: &text)
        case .time: quoted(&text) { $0.append(microseconds: record.timeMicroseconds) }
        case .amount:
            let digits = record.currency.minorUnitDigits
            quoted(&text) { $0.append(decimal: UInt64(record.amountMinorUnits), fractionDigits: digits) }
        case .currency: text.append(contentsOf: currencies[Int(record.currency.rawValue)])
        case .kind: text.append(contentsOf: kinds[Int(record.kindAndEvent & 0x0F)])
        case .event: text.append(contentsOf: events[Int(record.kindAndEvent >> 4)])
        case .outcome: text.append(contentsOf: outcomes[Int(record.outcome.rawValue)])
        case .channel: text.append(contentsOf: channels[Int(record.channel.rawValue)])
        case .step: text.append(UInt64(record.step))
        case .overdue, .test: text.append("true")
        case .payer: quoted(&text) { $0.append(token: record.payer) }
        case .source: append(code: UInt32(record.source), .source, to: &text)
        case .payerInstitution: append(code: UInt32(record.payerInstitution), .institution, to: &text)
        case .payee: append(code: record.payee, .payee, to: &text)
        case .payeeInstitution: append(code: UInt32(record.payeeInstitution), .institution, to: &text)
        case .service: append(code: record.service, .service, to: &text)
        case .region: append(code: UInt32(record.region), .region, to: &text)
        case .duration: append(record.duration, to: &text)
        }
    }

    private func append(_ id: RecordID, to text: inout TextBuffer) {
        if id.isUUID {
            quoted(&text) { $0.append(uuid: id) }
        } else if RecordText.isPlain(id) {
            quoted(&text) { $0.append(plain: id) }
        } else {
            RecordText.append(id.description, style, to: &text)
        }
    }

    /// True for a text of letters, digits, hyphens and the like, which no style escapes.
    private static func isPlain(_ id: RecordID) -> Bool {
        var isEnded = false
        for position in 0..<16 {
            let byte = id.byte(position)
            if byte == 0 {
                isEnded = true
            } else if isEnded || byte < UInt8(ascii: "-") || byte > UInt8(ascii: "z") || byte == UInt8(ascii: "\\") {
                return false
            }
        }
        return true
    }

    /// Milliseconds, or seconds with an `s` where the record holds seconds.
    private func append(_ duration: PackedDuration, to text: inout TextBuffer) {
        guard duration.rawValue >> 31 == 1 else { return text.append(UInt64(duration.rawValue)) }
        quoted(&text) {
            $0.append(UInt64(duration.rawValue & 0x7FFF_FFFF))
            $0.append(UInt8(ascii: "s"))
        }
    }

    private mutating func append(code: UInt32, _ space: NameSpace, to text: inout TextBuffer) {
        guard let names else { return text.append(UInt64(code)) }
        let space = Int(space.rawValue)
        if let known = codes[space][code] { return text.append(contentsOf: known) }
        var buffer = TextBuffer()
        RecordText.append(
            NameText.text(code: code, name: names(NameSpace(rawValue: UInt8(space))!, code)), style, to: &buffer)
        if codes[space].count >= RecordText.largestCodeCount { codes[space] = [:] }
        codes[space][code] = buffer.bytes
        text.append(contentsOf: buffer.bytes)
    }

    @inline(__always)
    private func quoted(_ text: inout TextBuffer, _ write: (inout TextBuffer) -> Void) {
        if style == .json { text.append(UInt8(ascii: "\"")) }
        write(&text)
        if style == .json { text.append(UInt8(ascii: "\"")) }
    }

    /// Writes a text with the quotes and escapes of the style.
    static func append(_ value: String, _ style: Style, to text: inout TextBuffer) {
        switch style {
        case .csv:
            let needsQuotes = value.utf8.contains {
                $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 0x0A || $0 == 0x0D
            }
            guard needsQuotes else { return text.append(value) }
            text.append(UInt8(ascii: "\""))
            for byte in value.utf8 {
                if byte == UInt8(ascii: "\"") { text.append(byte) }
                text.append(byte)
            }
            text.append(UInt8(ascii: "\""))
        case .json:
            text.append(UInt8(ascii: "\""))
            for byte in value.utf8 { appendEscaped(byte, to: &text) }
            text.append(UInt8(ascii: "\""))
        }
    }

    private static func appendEscaped(_ byte: UInt8, to text: inout TextBuffer) {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            text.append(UInt8(ascii: "\\"))
            text.append(byte)
        } else if byte < 0x20 {
            text.append("\\u00")
            text.append(hexadecimal: byte)
        } else {
            text.append(byte)
        }
    }
}
