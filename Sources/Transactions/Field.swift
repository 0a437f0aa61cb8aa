/// The fields of a record, in the order in which two records are compared and in which blocks hold their columns.
public enum Field: UInt8, CaseIterable, Sendable {
    case id = 0
    case time = 1
    case amount = 2
    case payer = 3
    case payerInstitution = 4
    case payee = 5
    case service = 6
    case duration = 7
    case source = 8
    case payeeInstitution = 9
    case region = 10
    case currency = 11
    case kind = 12
    case event = 13
    case outcome = 14
    case channel = 15
    case flags = 16
    case step = 17

    /// The name in snake case, as text formats and error texts use it.
    public var name: String {
        switch self {
        case .payerInstitution: "payer_institution"
        case .payeeInstitution: "payee_institution"
        default: "\(self)"
        }
    }
}

extension Record {
    /// The first field in which the records differ, step among the flags last; nil when all 64 bytes are equal.
    public func firstDifference(from other: Record) -> Field? {
        if id != other.id { return .id }
        if timeMicroseconds != other.timeMicroseconds { return .time }
        if amountMinorUnits != other.amountMinorUnits { return .amount }
        if payer != other.payer { return .payer }
        if payerInstitution != other.payerInstitution { return .payerInstitution }
        if payee != other.payee { return .payee }
        if service != other.service { return .service }
        if duration != other.duration { return .duration }
        if source != other.source { return .source }
        if payeeInstitution != other.payeeInstitution { return .payeeInstitution }
        if region != other.region { return .region }
        if currency != other.currency { return .currency }
        if kindAndEvent & 0x0F != other.kindAndEvent & 0x0F { return .kind }
        if kindAndEvent != other.kindAndEvent { return .event }
        if outcome != other.outcome { return .outcome }
        if channel != other.channel { return .channel }
        if flags & 0x0F != other.flags & 0x0F { return .flags }
        if flags != other.flags { return .step }
        return nil
    }

    /// True when both may not exist beside each other: same UTC date, source, kind, event, step and id.
    @inlinable
    public func hasSameIdentity(as other: Record) -> Bool {
        id == other.id && source == other.source && kindAndEvent == other.kindAndEvent
            && (flags ^ other.flags) & 0xF0 == 0 && utcDay == other.utcDay
    }
}
