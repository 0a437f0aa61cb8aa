import Transactions

/// What the committer decided of a record.
public struct Verdict: Hashable, Sendable, BitwiseCopyable {
    private let code: UInt8
    private let field: UInt8
    private let reason: UInt8

    /// It gets a sequence.
    public static var accepted: Verdict { Verdict(code: 0, field: 0, reason: 0) }
    /// The ledger has it already, with the same content.
    public static var duplicate: Verdict { Verdict(code: 1, field: 0, reason: 0) }

    /// Not decided on: what it has to be compared with cannot be read.
    public static var unconfirmed: Verdict { Verdict(code: 3, field: 0, reason: 0) }

    private init(code: UInt8, field: UInt8, reason: UInt8) {
        self.code = code
        self.field = field
        self.reason = reason
    }

    /// A conflict or a rejection.
    public init(_ fault: Fault) { self.init(code: 2, field: fault.field.rawValue, reason: fault.reason.rawValue) }

    /// What is wrong with the record; nil when it is accepted or a duplicate.
    public var fault: Fault? {
        guard code == 2, let field = Field(rawValue: field), let reason = Reason(rawValue: reason) else { return nil }
        return Fault(field, reason)
    }
}
