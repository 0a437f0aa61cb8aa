import Foundation
import Transactions

extension Mapping {
    /// Reads the JSON form.
    /// - Throws: an error that names the key, what was found there and what was expected.
    public init(json: some Sequence<UInt8>) throws(FormatError) {
        self.init()
        let document: JSONValue
        do { document = try JSONValue.read(json) } catch { throw FormatError("mapping: \(error)") }
        let members = try MappingDecoder.object(document, at: "the mapping")
        for (key, value) in members { try set(key, to: value) }
        try checkTogether()
    }

    static let keys = [
        "source", "timeZone", "timeFormat", "decimalSeparator", "thousandsSeparator", "amountUnit", "durationUnit",
        "negativeAmount", "separator", "constants", "columns", "values", "codes", "personalPayee",
    ]

    private mutating func set(_ key: String, to value: JSONValue) throws(FormatError) {
        typealias Decoder = MappingDecoder
        switch key {
        case "source":
            let name = try Decoder.text(value, at: key)
            guard !name.isEmpty else { throw Decoder.error(key, value, expected: "the name of a source") }
            try setConstant(.source, name)
        case "timeZone": timeZone = try Decoder.text(value, at: key)
        case "timeFormat": timeFormat = try Decoder.text(value, at: key)
        case "decimalSeparator": decimalSeparator = try Decoder.character(value, at: key)
        case "thousandsSeparator": thousandsSeparator = try Decoder.character(value, at: key)
        case "separator": separator = try Decoder.character(value, at: key)
        case "amountUnit": amountUnit = try Decoder.choice(value, at: key)
        case "durationUnit": durationUnit = try Decoder.choice(value, at: key)
        case "negativeAmount": negativeAmount = try Decoder.negativeAmount(value, at: key)
        case "personalPayee": personalPayee = try Decoder.personalPayee(value, at: key)
        case "constants":
            for (field, value, place) in try Decoder.fields(value, at: key) {
                try setConstant(field, try Decoder.scalar(value, at: place))
            }
        case "columns":
            for (field, value, place) in try Decoder.fields(value, at: key) {
                let column = try Decoder.text(value, at: place)
                guard !column.isEmpty else { throw Decoder.error(place, value, expected: "a column's header or key") }
                columns[field] = column
            }
        case "values":
            for (field, value, place) in try Decoder.fields(value, at: key) {
                values[field] = try Decoder.valueMap(value, of: field, at: place)
            }
        case "codes": codes = try Decoder.codeFields(value, at: key)
        default:
            throw FormatError(
                "mapping: \"\(key)\" is no known key\(Nearest.suggestion(key, among: Mapping.keys)); the keys are "
                    + Mapping.keys.joined(separator: ", "))
        }
    }

    private mutating func setConstant(_ field: MappedField, _ value: String) throws(FormatError) {
        guard constants.updateValue(value, forKey: field) == nil else {
            throw FormatError("mapping: the source is given twice, as \"source\" and in \"constants\"; keep one of them")
        }
    }

    /// Checks what no key can be asked for alone.
    private func checkTogether() throws(FormatError) {
        guard decimalSeparator != thousandsSeparator else {
            throw FormatError("mapping: decimalSeparator and thousandsSeparator are both \"\(decimalSeparator)\"")
        }
        guard separator.utf8.count == 1, separator != "\"", separator != "\n", separator != "\r" else {
            throw FormatError("mapping: separator: expected one ASCII character, such as \",\", \";\" or a tab")
        }
        guard !decimalSeparator.isEmpty else {
            throw FormatError("mapping: decimalSeparator: expected one character, such as \".\" or \",\"")
        }
        _ = try TimeReader(self)
        for field in MappedField.allCases where field.isRequired && !isOwnForm {
            guard columns[field] == nil, constants[field] == nil else { continue }
            throw FormatError(
                "mapping: the field \"\(field.name)\" has neither a column nor a constant, and no record can be without it")
        }
    }
}

/// The pieces of a mapping's JSON form.
private enum MappingDecoder {
    static func error(_ place: String, _ value: JSONValue, expected: String) -> FormatError {
        FormatError("mapping: \(place): expected \(expected), found \(value.description)")
    }

    static func object(_ value: JSONValue, at place: String) throws(FormatError) -> [(key: String, value: JSONValue)] {
        guard case .object(let members) = value else { throw error(place, value, expected: "an object") }
        return members
    }

    static func text(_ value: JSONValue, at place: String) throws(FormatError) -> String {
        guard case .string(let text) = value else { throw error(place, value, expected: "a string") }
        return text
    }

    static func scalar(_ value: JSONValue, at place: String) throws(FormatError) -> String {
        switch value {
        case .string(let text), .number(let text): return text
        case .bool(let flag): return "\(flag)"
        default: throw error(place, value, expected: "a string, a number, true or false")
        }
    }

    static func character(_ value: JSONValue, at place: String) throws(FormatError) -> String {
        let text = try text(value, at: place)
        guard text.count <= 1, !text.utf8.contains(where: isDigit), text != "-", text != "+" else {
            throw error(place, value, expected: "one character that is no digit and no sign")
        }
        return text
    }

    static func choice<Choice: RawRepresentable & CaseIterable>(
        _ value: JSONValue, at place: String
    ) throws(FormatError) -> Choice where Choice.RawValue == String {
        guard case .string(let text) = value, let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
            throw error(place, value, expected: known)
        }
        return choice
    }

    static func negativeAmount(_ value: JSONValue, at place: String) throws(FormatError) -> Mapping.NegativeAmount {
        if case .string("reject") = value { return .reject }
        guard case .string(let text) = value, let event = Event(name: text) else {
            throw error(place, value, expected: "\"reject\" or an event (\(Event.names.joined(separator: ", ")))")
        }
        return .event(event)
    }

    static func personalPayee(_ value: JSONValue, at place: String) throws(FormatError) -> Mapping.PersonalPayee {
        let expected = "true, false, or an object such as {\"column\": \"payee_type\", \"values\": [\"person\"]}"
        switch value {
        case .bool(let flag): return flag ? .always : .never
        case .object(let members):
            var column: String?
            var values: Set<String> = []
            for (key, value) in members {
                switch (key, value) {
                case ("column", .string(let text)) where !text.isEmpty: column = text
                case ("values", .array(let elements)):
                    for (index, element) in elements.enumerated() {
                        values.insert(try scalar(element, at: "\(place).values[\(index)]"))
                    }
                default: throw FormatError("mapping: \(place).\(key): expected \(expected)")
                }
            }
            guard let column, !values.isEmpty else { throw error(place, value, expected: expected) }
            return .column(column, values: values)
        default: throw error(place, value, expected: expected)
        }
    }

    static func field(_ name: String, at place: String) throws(FormatError) -> MappedField {
        guard let field = MappedField(rawValue: name) else {
            let names = MappedField.allCases.map(\.name)
            throw FormatError(
                "mapping: \(place): \"\(name)\" is no field\(Nearest.suggestion(name, among: names)); the fields are "
                    + names.joined(separator: ", "))
        }
        return field
    }

    static func fields(
        _ value: JSONValue, at place: String
    ) throws(FormatError) -> [(field: MappedField, value: JSONValue, place: String)] {
        var fields: [(field: MappedField, value: JSONValue, place: String)] = []
        for (key, value) in try object(value, at: place) {
            fields.append((try field(key, at: place), value, "\(place).\(key)"))
        }
        return fields
    }

    static func valueMap(
        _ value: JSONValue, of field: MappedField, at place: String
    ) throws(FormatError) -> [String: String] {
        guard field.takesValueMap else {
            throw FormatError("mapping: \(place): the field \"\(field.name)\" takes no value map")
        }
        var map: [String: String] = [:]
        for (key, value) in try object(value, at: place) {
            guard !key.isEmpty else {
                throw FormatError("mapping: \(place): the empty value takes no map; give the field a constant instead")
            }
            map[key] = try scalar(value, at: "\(place).\(key)")
        }
        return map
    }

    static func codeFields(_ value: JSONValue, at place: String) throws(FormatError) -> Set<MappedField> {
        guard case .array(let elements) = value else { throw error(place, value, expected: "an array of fields") }
        var fields: Set<MappedField> = []
        for (index, element) in elements.enumerated() {
            let place = "\(place)[\(index)]"
            let field = try field(try text(element, at: place), at: place)
            guard field.nameSpace != nil else { throw error(place, element, expected: "a field that holds names") }
            fields.insert(field)
        }
        return fields
    }
}
