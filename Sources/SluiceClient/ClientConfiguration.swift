import StreamProtocol
import Transactions

/// Where a server listens.
public enum ServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// A host name or address, and a port.
    case tcp(host: String, port: Int)
    /// The path of a ledger's local socket.
    case unixSocket(path: String)

    /// `HOST:PORT` or the path.
    public var description: String {
        switch self {
        case .tcp(let host, let port): "\(host):\(port)"
        case .unixSocket(let path): path
        }
    }
}

/// How a client behaves.
public struct ClientConfiguration: Sendable {
    /// The name that the server logs.
    public var clientName = "swift"
    /// The sources that are sent for; none for a client that only asks.
    public var sources: [SourceRequest]
    /// A token by which the server knows this client; nil: it shows none.
    public var token: String?
    /// TLS for a server that speaks it; nil: plain TCP.
    public var tls: ClientTLS?
    /// The most batches without an answer that are kept, 64 KiB each when full; the server's window counts when smaller.
    public var windowBatches = 256
    /// True: batches are sent compressed (LZ4) where that makes them smaller, for networks that are slower than a processor.
    public var compressesBatches = false
    /// How long a connection attempt may take, in milliseconds.
    public var connectMilliseconds: Int64 = 5_000
    /// Where batches go while the window is full and the server away; nil: `send` waits.
    public var spill: SpillConfiguration?
    /// How long to try to connect again after a loss, in milliseconds; 0: not at all. With a spill there is no end to it.
    public var reconnectMilliseconds: Int64 = 60_000
    /// The longest pause before the first attempt, in milliseconds; it doubles with each one. How long it is is drawn.
    public var firstBackoffMilliseconds: Int64 = 50
    /// The longest pause between attempts, in milliseconds.
    public var longestBackoffMilliseconds: Int64 = 2_000
    /// How long the server may be silent, although it was pinged, before the connection counts as lost, in milliseconds.
    public var silenceMilliseconds: Int64 = 60_000

    /// Defaults for a client that sends for `sources`.
    public init(sources: [SourceRequest] = []) { self.sources = sources }
}

/// What became of a batch.
public struct BatchResult: Sendable {
    /// The batch's number: 1, 2, 3 in the order of sending, over all connections of the client. 0 when it is left over.
    public var number: UInt64
    /// Records of the batch.
    public var recordCount: Int
    /// True when the batch was sent more than once, so that its duplicates may be records that were accepted before the
    /// receipt got lost.
    public var wasResent: Bool
    /// True when an earlier client left the batch in the spill.
    public var isLeftover = false
    /// The receipt, or why the batch was refused for good: it changed nothing and is not sent again. One that the server may
    /// take later is sent again by itself.
    public var outcome: Result<Receipt, RequestFailure>
}

/// Why a client cannot go on.
public enum ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No connection could be made.
    case cannotConnect(address: ServerAddress, reason: String)
    /// The connection was lost and did not come back in time.
    case lost(address: ServerAddress, reason: String)
    /// The server says that this client sent something wrong.
    case refused(ProtocolFault)
    /// What the server sent is wrong.
    case wrongAnswer(ProtocolFault)
    /// After a loss another ledger, or other codes for the sources, were found at the address.
    case otherLedger
    /// A request was not met.
    case failed(RequestFailure)
    /// The spill cannot be used. When `send` throws it, its batch is not sure to arrive.
    case spill(SpillFault)
    /// What was to be sent does not fit the protocol.
    case invalidArgument(String)
    /// The client was closed.
    case closed

    /// What happened, for people.
    public var description: String {
        switch self {
        case .cannotConnect(let address, let reason): "cannot connect to \(address): \(reason)"
        case .lost(let address, let reason): "lost the connection to \(address): \(reason)"
        case .refused(let fault) where fault.code == .refusedCredentials:
            "the server does not let this client in: \(fault.text)"
        case .refused(let fault): "the server refuses what was sent: \(fault)"
        case .wrongAnswer(let fault): "the server's answer is wrong: \(fault)"
        case .otherLedger: "the server came back with another ledger or other codes for the sources"
        case .failed(let failure): failure.description
        case .spill(let fault): fault.description
        case .invalidArgument(let text): text
        case .closed: "the client is closed"
        }
    }
}
