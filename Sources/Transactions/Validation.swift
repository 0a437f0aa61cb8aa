/// Why a record was not accepted. The raw value is the reason's code in receipts.
public enum Reason: UInt8, Sendable, CaseIterable {
    /// The same identity is in the ledger with other content; the field is the first that differs.
    case conflict = 1
    /// The field must not be absent (all zero).
    case missing = 2
    /// The field's value is outside of what it may be.
    case outOfRange = 3
    /// The field's code is none that is known.
    case unknownCode = 4
    /// Bits that must be 0 are not.
    case reservedBits = 5
    /// The time is more than a day ahead of the clock.
    case tooFarAhead = 6
    /// The source is none of those that the connection is bound to.
    case foreignSource = 7
    /// The fields do not fit together, such as a resolution that is still pending.
    case contradiction = 8

    /// The reason in words that follow a field's name.
    public var explanation: String {
        switch self {
        case .conflict: "differs from the record of the same identity that is already in the ledger"
        case .missing: "is missing"
        case .outOfRange: "is out of range"
        case .unknownCode: "is not a known code"
        case .reservedBits: "has bits set that must be 0"
        case .tooFarAhead: "is more than a day ahead of the clock"
        case .foreignSource: "is not one of the client's sources"
        case .contradiction: "contradicts another field"
        }
    }
}

/// What is wrong with a record: a field and a reason.
public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where.
    public var field: Field
    /// Why.
    public var reason: Reason

    /// A fault of `field`.
    public init(_ field: Field, _ reason: Reason) {
        self.field = field
        self.reason = reason
    }

    /// Field and reason in words.
    public var description: String { "\(field.name) \(reason.explanation)" }
}

extension Record {
    /// How far ahead of the clock a record's time may be: one day.
    public static let largestLeadMicroseconds: Int64 = 86_400_000_000

    /// Checks every field by itself. Codes of names are for the ledger to check.
    ///
    /// - Parameter nowMicroseconds: the clock, microseconds since 1970-01-01 UTC.
    /// - Returns: the first fault in the order of the fields, or nil.
    public func fault(nowMicroseconds: Int64) -> Fault? {
        if id == .none { return Fault(.id, .missing) }
        if timeMicroseconds < 0 { return Fault(.time, .outOfRange) }
        if timeMicroseconds > nowMicroseconds + Record.largestLeadMicroseconds { return Fault(.time, .tooFarAhead) }
        if amountMinorUnits < 0 { return Fault(.amount, .outOfRange) }
        if source == 0 { return Fault(.source, .missing) }
        if !currency.isKnown { return Fault(.currency, .unknownCode) }
        guard kind != nil else { return Fault(.kind, .unknownCode) }
        guard let event else { return Fault(.event, .unknownCode) }
        guard let outcomeClass = outcome.outcomeClass else { return Fault(.outcome, .unknownCode) }
        if event == .resolved && outcomeClass == .pending { return Fault(.outcome, .contradiction) }
        if channel.rawValue > Channel.largest.rawValue { return Fault(.channel, .unknownCode) }
        if flags & Record.reservedFlags != 0 { return Fault(.flags, .reservedBits) }
        return nil
    }
}

extension Record {
    /// Checks a batch: every record by itself and that its source is one of `sources`.
    ///
    /// - Parameter bytes: whole records, at any alignment.
    /// - Returns: the faulty records, in order.
    public static func exceptions(
        in bytes: UnsafeRawBufferPointer, nowMicroseconds: Int64, sources: SourceSet
    ) -> [Exception] {
        precondition(bytes.count % byteCount == 0, "a batch is whole records")
        var exceptions: [Exception] = []
        for index in 0..<bytes.count / byteCount {
            let record = bytes.loadUnaligned(fromByteOffset: index * byteCount, as: Record.self)
            if let fault = record.fault(nowMicroseconds: nowMicroseconds) {
                exceptions.append(Exception(index: index, fault: fault))
            } else if !sources.contains(record.source) {
                exceptions.append(Exception(index: index, fault: Fault(.source, .foreignSource)))
            }
        }
        return exceptions
    }
}
