import Transactions

/// What became of a batch's records.
public struct BatchReceipt: Hashable, Sendable {
    /// The batch's number on its connection.
    public var batch: UInt64
    /// What became of it.
    public var receipt: Receipt

    /// `receipt` answers `batch`.
    public init(batch: UInt64, receipt: Receipt) {
        self.batch = batch
        self.receipt = receipt
    }

    init(_ frame: Frame) throws(ProtocolFault) {
        var payload = PayloadReader(frame.payload)
        let accepted = try payload.integer(UInt32.self, "accepted")
        let duplicates = try payload.integer(UInt32.self, "duplicates")
        let conflicts = try payload.integer(UInt32.self, "conflicts")
        let rejected = try payload.integer(UInt32.self, "rejected")
        let firstSequence = try payload.integer(UInt64.self, "first sequence")
        let chainSequence = try payload.integer(UInt64.self, "sequence of the chain")
        let digest = try payload.byteArray(32, "digest of the chain")
        var exceptions: [Exception] = []
        let recordCount = Int(accepted) + Int(duplicates) + frame.header.count
        for _ in 0..<frame.header.count {
            let exception = try BatchReceipt.exception(&payload)
            guard exception.index > exceptions.last?.index ?? -1, exception.index < recordCount else {
                throw ProtocolFault(
                    .malformedPayload,
                    "an exception for record \(exception.index) of \(recordCount), expected one after record "
                        + "\(exceptions.last?.index ?? -1)")
            }
            exceptions.append(exception)
        }
        try payload.end()
        batch = frame.header.number
        receipt = Receipt(
            accepted: Int(accepted), duplicates: Int(duplicates), exceptions: exceptions, firstSequence: firstSequence,
            chain: ChainHead(sequence: chainSequence, digest: digest))
        guard receipt.conflicts == Int(conflicts), receipt.rejected == Int(rejected) else {
            throw ProtocolFault(
                .malformedPayload,
                "\(conflicts) conflicts and \(rejected) rejected are stated, \(receipt.conflicts) and "
                    + "\(receipt.rejected) are listed")
        }
    }

    /// Adds the frame.
    public func encode(to encoder: inout FrameEncoder) {
        encoder.frame(.receipt, number: batch, count: receipt.exceptions.count) { payload in
            payload.integer(UInt32(receipt.accepted))
            payload.integer(UInt32(receipt.duplicates))
            payload.integer(UInt32(receipt.conflicts))
            payload.integer(UInt32(receipt.rejected))
            payload.integer(receipt.firstSequence)
            payload.integer(receipt.chain.sequence)
            payload.append(receipt.chain.digest)
            for exception in receipt.exceptions {
                payload.integer(UInt16(exception.index))
                payload.integer(exception.fault.reason.rawValue)
                payload.integer(exception.fault.field.rawValue)
            }
        }
    }

    private static func exception(_ payload: inout PayloadReader) throws(ProtocolFault) -> Exception {
        let index = try payload.integer(UInt16.self, "index of a record")
        let reason = try payload.integer(UInt8.self, "reason")
        let field = try payload.integer(UInt8.self, "field")
        guard let reason = Reason(rawValue: reason), let field = Field(rawValue: field) else {
            throw ProtocolFault(.malformedPayload, "record \(index) has the unknown reason \(reason) or field \(field)")
        }
        return Exception(index: Int(index), fault: Fault(field, reason))
    }
}

/// Why a batch or a request was not met as a whole. The connection goes on.
public struct RequestFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of trouble it is. The raw value is the code on the wire.
    public enum Cause: UInt16, CaseIterable, Sendable {
        /// The disk has no space; what was receipted is kept.
        case diskFull = 1
        /// A write or a flush failed: this server writes nothing more.
        case failed = 2
        /// The ledger is being closed.
        case closing = 3
        /// A space has no room for further names, or the limit on new names was reached.
        case namesExhausted = 4
        /// The query was not understood or could not be answered.
        case queryFailed = 5
        /// This connection may not ask that: queries are answered on the local socket only.
        case notAllowed = 6
        /// Damage: what the batch has to be compared with, or the query asks for, cannot be read.
        case damaged = 7
    }

    /// What kind of trouble it is.
    public var cause: Cause
    /// True when the same may be sent again later.
    public var mayRetry: Bool
    /// What happened, for people.
    public var description: String

    /// A failure for `cause`.
    public init(_ cause: Cause, mayRetry: Bool, _ description: String) {
        self.cause = cause
        self.mayRetry = mayRetry
        self.description = description
    }

    init(_ frame: Frame) throws(ProtocolFault) {
        var payload = PayloadReader(frame.payload)
        let code = try payload.integer(UInt16.self, "cause")
        let byteCount = try payload.integer(UInt16.self, "length of the text")
        try payload.zeros(4, "reserved bytes")
        description = try payload.message(Int(byteCount))
        try payload.end()
        guard let cause = Cause(rawValue: code) else {
            throw ProtocolFault(.malformedPayload, "the cause \(code) is not known")
        }
        self.cause = cause
        mayRetry = frame.header.flags & FrameHeader.mayRetryFlag != 0
    }

    /// Adds the frame that refuses batch `number`.
    public func encodeRefused(batch number: UInt64, to encoder: inout FrameEncoder) {
        encode(.refused, number, to: &encoder)
    }

    /// Adds the frame that says that request `number` failed.
    public func encodeFailed(request number: UInt64, to encoder: inout FrameEncoder) {
        encode(.failed, number, to: &encoder)
    }

    private func encode(_ kind: FrameKind, _ number: UInt64, to encoder: inout FrameEncoder) {
        let text = description.prefix(utf8ByteCount: Wire.longestTextByteCount)
        encoder.frame(kind, flags: mayRetry ? FrameHeader.mayRetryFlag : 0, number: number) { payload in
            payload.integer(cause.rawValue)
            payload.integer(UInt16(text.utf8.count))
            payload.integer(UInt32(0))
            payload.append(text.utf8)
        }
    }
}
