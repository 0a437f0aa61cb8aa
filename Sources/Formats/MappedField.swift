import Transactions

/// The fields that a column, a key or a constant can fill, under the names that mappings and this product's own files use.
public enum MappedField: String, CaseIterable, Sendable {
    case id
    case time
    case amount
    case currency
    case kind
    case event
    case step
    case outcome
    case channel
    case source
    case payer
    case payerInstitution = "payer_institution"
    case payee
    case payeeInstitution = "payee_institution"
    case service
    case region
    case duration
    case overdue
    case test

    /// The name, as in mappings.
    public var name: String { rawValue }

    /// True for fields without which there is no record.
    var isRequired: Bool {
        switch self {
        case .id, .time, .amount, .currency, .source: true
        default: false
        }
    }

    /// The space in which the field's names have codes; nil when it holds no names.
    var nameSpace: NameSpace? {
        switch self {
        case .source: .source
        case .payerInstitution, .payeeInstitution: .institution
        case .payee: .payee
        case .service: .service
        case .region: .region
        default: nil
        }
    }

    /// True when error texts must not show its values.
    var isSecret: Bool { self == .payer }

    /// True for the fields whose values come from a small set, so that a value map makes sense.
    var takesValueMap: Bool {
        switch self {
        case .id, .time, .amount, .payer, .duration: false
        default: true
        }
    }

    /// The field in which the ledger would report a fault.
    init(_ field: Field) {
        switch field {
        case .flags: self = .overdue
        default: self = MappedField(rawValue: field.name)!
        }
    }
}
