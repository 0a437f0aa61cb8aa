import Transactions

/// The input columns that a mapping reads, each once: fields and the test for persons may share one.
struct InputColumns {
    /// Headers or keys.
    private(set) var names: [String] = []
    /// Where the texts of a row have each column; empty: in the order of `names`.
    var places: [Int] = []
    private var positions: [MappedField: Int] = [:]
    private(set) var personalPosition: Int?

    /// - Parameter isPresent: in the product's own form, whether the input has a column of that name; fields without one
    ///   take their defaults.
    init(_ mapping: Mapping, isPresent: (String) -> Bool) {
        for field in MappedField.allCases {
            guard let name = mapping.column(of: field), !mapping.isOwnForm || isPresent(name) else { continue }
            positions[field] = position(of: name)
        }
        if case .column(let name, _) = mapping.personalPayee { personalPosition = position(of: name) }
    }

    func position(of field: MappedField) -> Int? { positions[field] }

    /// Where the texts of a row have the column at a position.
    func place(_ position: Int) -> Int { places.isEmpty ? position : places[position] }

    /// The field that a column is read for, in error texts.
    func field(at position: Int) -> MappedField? { MappedField.allCases.first { positions[$0] == position } }

    private mutating func position(of name: String) -> Int {
        if let known = names.firstIndex(of: name) { return known }
        names.append(name)
        return names.count - 1
    }
}

/// Tells whether a row's payee is a person.
struct PersonalTest {
    private let isAlways: Bool
    private let column: Int?
    private let values: [[UInt8]]

    init(_ mapping: Mapping, _ input: InputColumns) {
        isAlways = mapping.personalPayee == .always
        column = input.personalPosition.map(input.place)
        if case .column(_, let values) = mapping.personalPayee {
            self.values = values.map { Array($0.utf8) }
        } else {
            values = []
        }
    }

    func isPersonal(_ texts: UnsafeBufferPointer<FieldText>) -> Bool {
        guard let column else { return isAlways }
        let text = texts[column].trimmed
        return values.contains { text == $0 }
    }
}

/// Turns a mapping into what `RowAssembler` runs on.
struct MappingCompiler: ~Copyable {
    private let mapping: Mapping
    private let input: InputColumns
    /// The record with all constants and defaults that need no ledger.
    private(set) var template = Record(
        id: .none, timeMicroseconds: 0, amountMinorUnits: 0, currency: .none, source: 0)

    init(_ mapping: Mapping, _ input: InputColumns) {
        self.mapping = mapping
        self.input = input
    }

    func source(_ field: MappedField) -> TextSource {
        let column = input.position(of: field)
        return TextSource(
            field, column: column.map(input.place) ?? -1, columnName: column.map { input.names[$0] },
            isSecret: column.map { isSecret($0) } ?? field.isSecret, fallback: mapping.constants[field])
    }

    /// The columns of vocabularies, then those of names and accounts, and how many the former are.
    mutating func codeColumns() throws(FormatError) -> (UnsafeMutableBufferPointer<CodeColumn>, Int) {
        var planned: [(field: MappedField, meaning: CodeColumn.Meaning)] = []
        for field in MappedField.allCases {
            for meaning in meanings(of: field) where try !foldsIntoTemplate(field, meaning) {
                planned.append((field, meaning))
            }
        }
        let vocabularies = planned.filter { !needsLedger($0.meaning) }
        let ordered = vocabularies + planned.filter { needsLedger($0.meaning) }
        let columns = UnsafeMutableBufferPointer<CodeColumn>.allocate(capacity: ordered.count)
        for (position, plan) in ordered.enumerated() {
            columns.initializeElement(at: position, to: column(plan.field, plan.meaning))
        }
        return (columns, vocabularies.count)
    }

    private func column(_ field: MappedField, _ meaning: CodeColumn.Meaning) -> CodeColumn {
        CodeColumn(source(field), meaning: meaning, values: mapping.values[field] ?? [:])
    }

    /// True for a column whose values must not be shown: that of payers, and that of payees where they may be persons.
    private func isSecret(_ column: Int) -> Bool {
        if input.position(of: .payer) == column { return true }
        return mapping.personalPayee != .never && input.position(of: .payee) == column
    }

    private func needsLedger(_ meaning: CodeColumn.Meaning) -> Bool {
        switch meaning {
        case .name, .account, .person: true
        default: false
        }
    }

    private func meanings(of field: MappedField) -> [CodeColumn.Meaning] {
        switch field {
        case .id, .time, .amount, .duration: return []
        case .currency: return [.currency]
        case .kind: return [.kind]
        case .event: return [.event]
        case .step: return [.step]
        case .outcome: return [.outcome]
        case .channel: return [.channel]
        case .overdue: return [.flag(Record.overdueFlag)]
        case .test: return [.flag(Record.testFlag)]
        case .payer: return [.account]
        case .payee:
            let name = CodeColumn.Meaning.name(.payee, takesCodes: mapping.takesCodes(.payee))
            return mapping.personalPayee == .never
                ? [name] : mapping.personalPayee == .always ? [.person] : [name, .person]
        case .source, .payerInstitution, .payeeInstitution, .service, .region:
            return [.name(field.nameSpace!, takesCodes: mapping.takesCodes(field))]
        }
    }

    /// Puts a constant that needs no ledger into the template; false when rows must be asked.
    private mutating func foldsIntoTemplate(
        _ field: MappedField, _ meaning: CodeColumn.Meaning
    ) throws(FormatError) -> Bool {
        guard let constant = mapping.constants[field], !constant.isEmpty else {
            return input.position(of: field) == nil && !field.isRequired
        }
        let number: UInt64?
        do throws(RowFault) {
            let column = column(field, meaning)
            number = try constantNumber(constant, column)
        } catch {
            throw FormatError("mapping: constants.\(field.name): \(error.message)")
        }
        guard let number else { return false }
        template.store(number, field)
        return input.position(of: field) == nil
    }

    private func constantNumber(_ constant: String, _ column: borrowing CodeColumn) throws(RowFault) -> UInt64? {
        let owned = OwnedText(constant)
        return try column.constantNumber(owned.text)
    }
}

extension Record {
    /// Stores a number that a vocabulary, a name or an account stands for.
    @inline(__always)
    mutating func store(_ number: UInt64, _ field: MappedField) {
        switch field {
        case .currency: currency = Currency(rawValue: UInt16(truncatingIfNeeded: number))
        case .kind: kindAndEvent = kindAndEvent & 0xF0 | UInt8(truncatingIfNeeded: number)
        case .event: kindAndEvent = kindAndEvent & 0x0F | UInt8(truncatingIfNeeded: number) << 4
        case .step: flags = flags & 0x0F | UInt8(truncatingIfNeeded: number) << 4
        case .outcome: outcome = Outcome(rawValue: UInt8(truncatingIfNeeded: number))
        case .channel: channel = Channel(rawValue: UInt8(truncatingIfNeeded: number))
        case .source: source = UInt16(truncatingIfNeeded: number)
        case .payer: payer = number
        case .payerInstitution: payerInstitution = UInt16(truncatingIfNeeded: number)
        case .payee: payee = UInt32(truncatingIfNeeded: number)
        case .payeeInstitution: payeeInstitution = UInt16(truncatingIfNeeded: number)
        case .service: service = UInt32(truncatingIfNeeded: number)
        case .region: region = UInt16(truncatingIfNeeded: number)
        case .overdue: flags = flags & ~Record.overdueFlag | UInt8(truncatingIfNeeded: number)
        case .test: flags = flags & ~Record.testFlag | UInt8(truncatingIfNeeded: number)
        case .id, .time, .amount, .duration: preconditionFailure("\(field.name) is read by itself")
        }
    }
}
