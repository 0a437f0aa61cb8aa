import Transactions

/// Which codes have these names? Answered when new ones are durable.
public struct NamesRequest: Hashable, Sendable {
    /// The client's number of the request.
    public var number: UInt64
    /// 1 to 1,024 names.
    public var names: [Name]

    /// Request `number` for `names`.
    public init(number: UInt64, names: [Name]) {
        self.number = number
        self.names = names
    }

    init(_ frame: Frame) throws(ProtocolFault) {
        var payload = PayloadReader(frame.payload)
        number = frame.header.number
        names = []
        for index in 0..<frame.header.count {
            let code = try payload.integer(UInt8.self, "space of a name")
            guard let space = NameSpace(rawValue: code), NameSpace.ofRecords.contains(space) else {
                throw ProtocolFault(
                    .malformedPayload, "name \(index) is of space \(code), expected 1 to \(NameSpace.ofRecords.count)")
            }
            let byteCount = try payload.integer(UInt8.self, "length of a name")
            guard byteCount > 0 else { throw ProtocolFault(.malformedPayload, "name \(index) is empty") }
            names.append(Name(space, try payload.text(Int(byteCount), "name")))
        }
        try payload.end()
    }

    /// Bytes of the payload that `names` would need; at most `Wire.largestPayloadByteCount` fit.
    public static func payloadByteCount(_ names: some Sequence<Name>) -> Int {
        names.reduce(0) { $0 + 2 + $1.text.utf8.count }
    }

    /// Adds the frame. Names of no bytes or more than 255 are a programmer's error.
    public func encode(to encoder: inout FrameEncoder) {
        encoder.frame(.names, number: number, count: names.count) { payload in
            for name in names {
                precondition((1...NameSpace.largestNameByteCount).contains(name.text.utf8.count))
                payload.integer(name.space.rawValue)
                payload.integer(UInt8(name.text.utf8.count))
                payload.append(name.text.utf8)
            }
        }
    }
}

/// The codes of a names request, in its order.
public struct CodesAnswer: Hashable, Sendable {
    /// The request's number.
    public var number: UInt64
    /// A code for each name.
    public var codes: [UInt32]

    /// `codes` answer request `number`.
    public init(number: UInt64, codes: [UInt32]) {
        self.number = number
        self.codes = codes
    }

    init(_ frame: Frame) throws(ProtocolFault) {
        var payload = PayloadReader(frame.payload)
        number = frame.header.number
        codes = []
        for _ in 0..<frame.header.count { codes.append(try payload.integer(UInt32.self, "code")) }
        try payload.end()
    }

    /// Adds the frame.
    public func encode(to encoder: inout FrameEncoder) {
        encoder.frame(.codes, number: number, count: codes.count) { payload in
            for code in codes { payload.integer(code) }
        }
    }
}

/// Which tokens have these accounts? The server holds the key and keeps nothing of the request.
///
/// Printing one shows how many accounts there are, and none of them.
public struct AccountsRequest: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// The client's number of the request.
    public var number: UInt64
    /// 1 to 1,024 account numbers of 1 to 64 bytes.
    public var accounts: [[UInt8]]

    /// Request `number` for `accounts`.
    public init(number: UInt64, accounts: [[UInt8]]) {
        self.number = number
        self.accounts = accounts
    }

    init(_ frame: Frame) throws(ProtocolFault) {
        var payload = PayloadReader(frame.payload)
        number = frame.header.number
        accounts = []
        for index in 0..<frame.header.count { accounts.append(try payload.account(index)) }
        try payload.end()
    }

    /// The number of the request and how many accounts it has.
    public var description: String { "request \(number) for \(accounts.count) accounts" }
    /// Shows nothing to `dump` and debuggers.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Adds the frame. Accounts of no bytes or more than 64 are a programmer's error.
    public func encode(to encoder: inout FrameEncoder) {
        encoder.frame(.accounts, number: number, count: accounts.count) { payload in
            for account in accounts { account.withUnsafeBytes { payload.account($0) } }
        }
    }
}

/// Which tokens have these accounts in records of these dates? The server holds the keys and keeps nothing of the request.
///
/// Printing one shows how many accounts there are, and none of them.
public struct DatedAccountsRequest: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// The client's number of the request.
    public var number: UInt64
    /// 1 to 1,024 account numbers of 1 to 64 bytes, each with the UTC date of its record.
    public var accounts: AccountNumbers

    /// Request `number` for `accounts`.
    public init(number: UInt64, accounts: AccountNumbers) {
        self.number = number
        self.accounts = accounts
    }

    init(_ frame: Frame) throws(ProtocolFault) {
        var payload = PayloadReader(frame.payload)
        number = frame.header.number
        accounts = AccountNumbers()
        for index in 0..<frame.header.count {
            let day = try payload.integer(Int32.self, "date of an account")
            accounts.append(try payload.account(index), on: CalendarDay(daysSince1970: day))
        }
        try payload.end()
    }

    /// The number of the request and how many accounts it has.
    public var description: String { "request \(number) for \(accounts.count) accounts of dates" }
    /// Shows nothing to `dump` and debuggers.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// How many accounts always fit into a request, however long they are.
    public static let accountsThatFit = Wire.largestPayloadByteCount / (4 + 1 + Wire.longestAccountByteCount)

    /// Adds the frame. Accounts of no bytes or more than 64 are a programmer's error.
    public func encode(to encoder: inout FrameEncoder) {
        encoder.frame(.datedAccounts, number: number, count: accounts.count) { payload in
            for position in accounts.indices {
                payload.integer(accounts.day(at: position).daysSince1970)
                accounts.withBytes(at: position) { payload.account($0) }
            }
        }
    }
}

extension PayloadReader {
    fileprivate mutating func account(_ index: Int) throws(ProtocolFault) -> [UInt8] {
        let byteCount = Int(try integer(UInt8.self, "length of an account"))
        guard (1...Wire.longestAccountByteCount).contains(byteCount) else {
            throw ProtocolFault(
                .malformedPayload,
                "account \(index) has \(byteCount) bytes, expected 1 to \(Wire.longestAccountByteCount)")
        }
        return try byteArray(byteCount, "account")
    }
}

extension PayloadWriter {
    fileprivate mutating func account(_ account: UnsafeRawBufferPointer) {
        precondition((1...Wire.longestAccountByteCount).contains(account.count))
        integer(UInt8(account.count))
        append(account)
    }
}

/// The tokens of an accounts request, in its order.
public struct TokensAnswer: Hashable, Sendable {
    /// The request's number.
    public var number: UInt64
    /// A token of 48 bits for each account.
    public var tokens: [UInt64]

    /// `tokens` answer request `number`.
    public init(number: UInt64, tokens: [UInt64]) {
        self.number = number
        self.tokens = tokens
    }

    init(_ frame: Frame) throws(ProtocolFault) {
        var payload = PayloadReader(frame.payload)
        number = frame.header.number
        tokens = []
        for index in 0..<frame.header.count {
            let token = try payload.integer(UInt64.self, "token")
            guard token >> 48 == 0 else {
                throw ProtocolFault(.malformedPayload, "token \(index) has more than 48 bits")
            }
            tokens.append(token)
        }
        try payload.end()
    }

    /// Adds the frame.
    public func encode(to encoder: inout FrameEncoder) {
        encoder.frame(.tokens, number: number, count: tokens.count) { payload in
            for token in tokens { payload.integer(token) }
        }
    }
}

/// A question, opaque to the protocol; only the local socket takes it.
public struct Query: Hashable, Sendable {
    /// The client's number of the request.
    public var number: UInt64
    /// At most `Wire.mostOpaqueBytes`.
    public var bytes: [UInt8]

    /// Request `number` asks `bytes`.
    public init(number: UInt64, bytes: [UInt8]) {
        self.number = number
        self.bytes = bytes
    }

    init(_ frame: Frame) throws(ProtocolFault) {
        number = frame.header.number
        bytes = try opaqueBytes(frame)
    }

    /// Adds the frame.
    public func encode(to encoder: inout FrameEncoder) {
        precondition(bytes.count <= Wire.mostOpaqueBytes)
        encoder.frame(.query, number: number) { $0.opaque(bytes) }
    }
}

/// A part of the answer to a query.
public struct AnswerPart: Hashable, Sendable {
    /// The request's number.
    public var number: UInt64
    /// Which part, from 0.
    public var part: Int
    /// True when no further part follows.
    public var isLast: Bool
    /// At most `Wire.mostOpaqueBytes`.
    public var bytes: [UInt8]

    init(_ frame: Frame) throws(ProtocolFault) {
        number = frame.header.number
        part = frame.header.count
        isLast = frame.header.flags & FrameHeader.lastPartFlag != 0
        bytes = try opaqueBytes(frame)
    }

    /// Adds the frames of a whole answer, as many parts as `bytes` need and at least one.
    public static func encode(_ bytes: [UInt8], request number: UInt64, to encoder: inout FrameEncoder) {
        let lastPart = max(0, bytes.count - 1) / Wire.mostOpaqueBytes
        for part in 0...lastPart {
            let start = part * Wire.mostOpaqueBytes
            let slice = bytes[start..<min(bytes.count, start + Wire.mostOpaqueBytes)]
            encoder.frame(
                .answer, flags: part == lastPart ? FrameHeader.lastPartFlag : 0, number: number, count: part
            ) { $0.opaque(slice) }
        }
    }
}

func opaqueBytes(_ frame: Frame) throws(ProtocolFault) -> [UInt8] {
    var payload = PayloadReader(frame.payload)
    let byteCount = try payload.integer(UInt32.self, "length of the content")
    try payload.zeros(4, "reserved bytes")
    let bytes = try payload.byteArray(Int(byteCount), "content")
    try payload.end()
    return bytes
}

extension PayloadWriter {
    mutating func opaque(_ content: some Collection<UInt8>) {
        integer(UInt32(content.count))
        integer(UInt32(0))
        append(content)
    }
}
