import Transactions

/// The constants of the stream protocol. `docs/protocol.md` is its specification.
public enum Wire {
    /// The first four bytes of every frame: `SLUI`.
    public static let magic: UInt32 = 0x4955_4C53
    /// The version of the protocol that this library speaks.
    public static let version: UInt8 = 1
    /// Bytes of a frame's header.
    public static let headerByteCount = 32
    /// The largest payload in bytes: a batch of 1,024 records.
    public static let largestPayloadByteCount = 65_536
    /// The largest frame in bytes.
    public static let largestFrameByteCount = headerByteCount + largestPayloadByteCount
    /// The most records in a batch.
    public static let mostRecordsPerBatch = 1024
    /// The most sources of a hello, names of a names request and accounts of an accounts request.
    public static let mostItems = 1024
    /// The longest account number in bytes.
    public static let longestAccountByteCount = AccountTokeniser.longestAccountByteCount
    /// The longest text of an error or a refusal in bytes of UTF-8; longer ones are cut.
    public static let longestTextByteCount = 1000
    /// The most opaque bytes of a query or of one part of an answer.
    public static let mostOpaqueBytes = largestPayloadByteCount - 8
    /// The most bytes of credentials.
    public static let mostCredentialBytes = 512
    /// The first source code that a client may not choose by number: codes from here on belong to names.
    public static let firstGivenSourceCode: UInt16 = 0x8000
}

/// What a frame is. The raw value is byte 5 of its header.
public enum FrameKind: UInt8, CaseIterable, Sendable {
    /// Client: who I am and which sources I send for.
    case hello = 1
    /// Server: my limits and the codes of the sources.
    case welcome = 2
    /// Client: records.
    case batch = 3
    /// Server: what became of a batch's records.
    case receipt = 4
    /// Server: the whole batch was refused and changed nothing.
    case refused = 5
    /// Client: which codes have these names?
    case names = 6
    /// Server: the codes, durable.
    case codes = 7
    /// Client: which tokens have these accounts?
    case accounts = 8
    /// Server: the tokens.
    case tokens = 9
    /// Client: are you there?
    case ping = 10
    /// Server: I am.
    case pong = 11
    /// Either side: I begin nothing more.
    case goodbye = 12
    /// Either side: what you sent is wrong, I close.
    case error = 13
    /// Client: a question, opaque to the protocol.
    case query = 14
    /// Server: a part of the answer.
    case answer = 15
    /// Server: the request cannot be met.
    case failed = 16
    /// Client: records, compressed.
    case compressedBatch = 17
    /// Client: a secret by which I am known.
    case credentials = 18
    /// Client: which tokens have these accounts in records of these dates?
    case datedAccounts = 19
}
