import Transactions

/// A source that a connection sends for.
public enum SourceRequest: Hashable, Sendable {
    /// By its code, 1 to 0x7FFF: the user's range.
    case code(UInt16)
    /// By its name, 1 to 255 bytes of UTF-8; the ledger gives a code to a new one.
    case name(String)
}

/// The client's first frame: who it is and which sources it sends for.
public struct Hello: Hashable, Sendable {
    /// The client's name for logs, up to 255 bytes of UTF-8.
    public var clientName: String
    /// The sources, at most 1,024; none for a client that only asks.
    public var sources: [SourceRequest]

    /// `clientName` sends for `sources`.
    public init(clientName: String, sources: [SourceRequest]) {
        self.clientName = clientName
        self.sources = sources
    }

    init(_ frame: Frame) throws(ProtocolFault) {
        var payload = PayloadReader(frame.payload)
        let nameByteCount = try payload.integer(UInt16.self, "length of the client's name")
        try payload.zeros(6, "reserved bytes")
        guard nameByteCount <= NameSpace.largestNameByteCount else {
            throw ProtocolFault(.malformedPayload, "a client name of \(nameByteCount) bytes, expected at most 255")
        }
        clientName = try payload.text(Int(nameByteCount), "the client's name")
        sources = []
        for index in 0..<frame.header.count {
            sources.append(try SourceRequest(&payload, index: index))
        }
        try payload.end()
    }

    /// Adds the frame.
    public func encode(to encoder: inout FrameEncoder) {
        precondition(sources.count <= Wire.mostItems, "a hello names at most \(Wire.mostItems) sources")
        let name = clientName.prefix(utf8ByteCount: NameSpace.largestNameByteCount)
        encoder.frame(.hello, count: sources.count) { payload in
            payload.integer(UInt16(name.utf8.count))
            payload.append(repeatElement(0, count: 6))
            payload.append(name.utf8)
            for source in sources { source.encode(to: &payload) }
        }
    }
}

extension SourceRequest {
    fileprivate init(_ payload: inout PayloadReader, index: Int) throws(ProtocolFault) {
        let code = try payload.integer(UInt16.self, "code of a source")
        try payload.zeros(1, "reserved byte of a source")
        let byteCount = Int(try payload.integer(UInt8.self, "length of a source's name"))
        if byteCount > 0 {
            guard code == 0 else {
                throw ProtocolFault(
                    .refusedSource, "source \(index) has the code \(code) and a name, expected one of both")
            }
            self = .name(try payload.text(byteCount, "name of a source"))
        } else {
            guard (1..<Wire.firstGivenSourceCode).contains(code) else {
                throw ProtocolFault(
                    .refusedSource,
                    "source \(index) has the code \(code), expected 1 to \(Wire.firstGivenSourceCode - 1)")
            }
            self = .code(code)
        }
    }

    fileprivate func encode(to payload: inout PayloadWriter) {
        switch self {
        case .code(let code):
            payload.integer(code)
            payload.integer(UInt16(0))
        case .name(let name):
            precondition((1...NameSpace.largestNameByteCount).contains(name.utf8.count), "a name has 1 to 255 bytes")
            payload.integer(UInt16(0))
            payload.integer(UInt8(0))
            payload.integer(UInt8(name.utf8.count))
            payload.append(name.utf8)
        }
    }
}

/// What a client shows to be known, before its hello.
public struct Credentials: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// 1 to `Wire.mostCredentialBytes` bytes.
    public var token: [UInt8]

    /// Shows `token`.
    public init(token: [UInt8]) { self.token = token }

    init(_ frame: Frame) throws(ProtocolFault) {
        token = try opaqueBytes(frame)
        guard (1...Wire.mostCredentialBytes).contains(token.count) else {
            throw ProtocolFault(
                .malformedPayload,
                "credentials of \(token.count) bytes, expected 1 to \(Wire.mostCredentialBytes)")
        }
    }

    /// Adds the frame.
    public func encode(to encoder: inout FrameEncoder) {
        precondition((1...Wire.mostCredentialBytes).contains(token.count))
        encoder.frame(.credentials) { $0.opaque(token) }
    }

    /// How long they are, and nothing of what they are.
    public var description: String { "credentials of \(token.count) bytes" }
    /// Shows nothing to `dump` and debuggers.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What the server lets one connection do.
public struct SessionLimits: Hashable, Sendable {
    /// The most records of a batch, up to 1,024.
    public var recordsPerBatch: Int
    /// The most batches without an answer: the credit window.
    public var windowBatches: Int
    /// The largest payload in bytes; this version of the protocol has one for all.
    public internal(set) var payloadByteCount = Wire.largestPayloadByteCount
    /// How long the server waits for a whole frame, in milliseconds.
    public var idleTimeoutMilliseconds: Int
    /// The most requests (names, accounts, queries) without an answer.
    public var openRequests: Int

    /// Limits; each has a default that suits a fast gateway.
    public init(
        recordsPerBatch: Int = Wire.mostRecordsPerBatch, windowBatches: Int = 256,
        idleTimeoutMilliseconds: Int = 30_000, openRequests: Int = 16
    ) {
        self.recordsPerBatch = recordsPerBatch
        self.windowBatches = windowBatches
        self.idleTimeoutMilliseconds = idleTimeoutMilliseconds
        self.openRequests = openRequests
    }
}

/// The server's answer to a hello.
public struct Welcome: Hashable, Sendable {
    /// What this connection may do.
    public var limits: SessionLimits
    /// Which ledger it is; a client that comes back finds the same.
    public var ledgerID: UInt64
    /// The codes of the hello's sources, in its order.
    public var sourceCodes: [UInt16]
    /// The server's name and version.
    public var serverName: String

    /// A welcome from its parts.
    public init(limits: SessionLimits, ledgerID: UInt64, sourceCodes: [UInt16], serverName: String) {
        self.limits = limits
        self.ledgerID = ledgerID
        self.sourceCodes = sourceCodes
        self.serverName = serverName
    }

    init(_ frame: Frame) throws(ProtocolFault) {
        var payload = PayloadReader(frame.payload)
        limits = SessionLimits()
        limits.recordsPerBatch = Int(try payload.integer(UInt32.self, "records of a batch"))
        limits.windowBatches = Int(try payload.integer(UInt32.self, "credit window"))
        limits.payloadByteCount = Int(try payload.integer(UInt32.self, "largest payload"))
        limits.idleTimeoutMilliseconds = Int(try payload.integer(UInt32.self, "idle time-out"))
        limits.openRequests = Int(try payload.integer(UInt32.self, "open requests"))
        let nameByteCount = try payload.integer(UInt16.self, "length of the server's name")
        try payload.zeros(2, "reserved bytes")
        ledgerID = try payload.integer(UInt64.self, "ledger id")
        sourceCodes = []
        for _ in 0..<frame.header.count { sourceCodes.append(try payload.integer(UInt16.self, "code of a source")) }
        serverName = try payload.text(Int(nameByteCount), "the server's name")
        try payload.end()
        guard (1...Wire.mostRecordsPerBatch).contains(limits.recordsPerBatch), limits.windowBatches > 0,
            limits.openRequests > 0, limits.idleTimeoutMilliseconds > 0,
            limits.payloadByteCount == Wire.largestPayloadByteCount
        else { throw ProtocolFault(.malformedPayload, "the limits of the welcome are none that a client can keep") }
    }

    /// Adds the frame.
    public func encode(to encoder: inout FrameEncoder) {
        let name = serverName.prefix(utf8ByteCount: NameSpace.largestNameByteCount)
        encoder.frame(.welcome, count: sourceCodes.count) { payload in
            payload.integer(UInt32(limits.recordsPerBatch))
            payload.integer(UInt32(limits.windowBatches))
            payload.integer(UInt32(limits.payloadByteCount))
            payload.integer(UInt32(limits.idleTimeoutMilliseconds))
            payload.integer(UInt32(limits.openRequests))
            payload.integer(UInt16(name.utf8.count))
            payload.integer(UInt16(0))
            payload.integer(ledgerID)
            for code in sourceCodes { payload.integer(code) }
            payload.append(name.utf8)
        }
    }
}
