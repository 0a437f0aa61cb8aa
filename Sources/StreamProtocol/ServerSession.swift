/// The server's side of one connection, without its bytes and its threads.
///
/// | phase | credentials | hello | batch, compressed batch | names, accounts, dated accounts, query | ping | goodbye | error | others |
/// |---|---|---|---|---|---|---|---|---|
/// | awaiting hello | once: identify | opening | fault | fault | fault | fault | closed | fault |
/// | opening | fault | fault | fault | fault | fault | fault | closed | fault |
/// | open | fault | fault | submit | answer | pong | finishing | closed | fault |
/// | finishing | fault | fault | fault | fault | fault | fault | closed | fault |
/// | closed | ignored | ignored | ignored | ignored | ignored | ignored | ignored | ignored |
public struct ServerSession: Sendable {
    /// Where the conversation stands.
    public enum Phase: Hashable, Sendable {
        /// Nothing came yet.
        case awaitingHello
        /// The hello came; its sources are being looked up.
        case opening
        /// The client may send.
        case open
        /// The client said goodbye; answers are still due.
        case finishing
        /// Nothing that comes matters any more.
        case closed
    }

    /// What a frame asks the server to do.
    public enum Action: Hashable, Sendable {
        /// See whether the client is known by them.
        case identify(Credentials)
        /// Look up the sources, then call `welcome` and send a welcome.
        case open(Hello)
        /// Submit the frame's payload as the records of this batch.
        case submit(batch: UInt64)
        /// Answer with codes, or with a failure.
        case names(NamesRequest)
        /// Answer with tokens of now, or with a failure.
        case accounts(AccountsRequest)
        /// Answer with the tokens of dates, or with a failure.
        case datedAccounts(DatedAccountsRequest)
        /// Answer with parts, or with a failure.
        case query(Query)
        /// Send a pong.
        case pong(UInt64)
        /// See whether the session `isFinished` now.
        case finish
        /// The client found a fault in what the server sent: close.
        case abandon(ProtocolFault)
        /// Nothing.
        case ignore
    }

    /// What the connection may do.
    public let limits: SessionLimits
    /// Where the conversation stands.
    public private(set) var phase = Phase.awaitingHello
    /// Batches that have no answer yet.
    public private(set) var openBatches = 0
    /// Requests that have no answer yet.
    public private(set) var openRequests = 0
    /// True once this side said goodbye.
    public private(set) var saidGoodbye = false

    private var lastBatch: UInt64 = 0
    private var hasCredentials = false

    /// A connection that was just accepted.
    public init(limits: SessionLimits) { self.limits = limits }

    /// True when the client said goodbye and every answer was given: say goodbye, then close.
    public var isFinished: Bool { phase == .finishing && openBatches == 0 && openRequests == 0 }

    /// Takes a frame, and says what it asks for.
    public mutating func receive(_ frame: Frame) throws(ProtocolFault) -> Action {
        do throws(ProtocolFault) {
            switch (phase, frame.header.kind) {
            case (.closed, _): return .ignore
            case (_, .error): return try abandon(frame)
            case (.awaitingHello, .credentials) where !hasCredentials:
                hasCredentials = true
                return .identify(try Credentials(frame))
            case (.awaitingHello, .hello): return try open(frame)
            case (.open, .batch), (.open, .compressedBatch): return try submit(frame)
            case (.open, .names), (.open, .accounts), (.open, .datedAccounts), (.open, .query):
                return try request(frame)
            case (.open, .ping): return .pong(frame.header.number)
            case (.open, .goodbye):
                phase = .finishing
                return .finish
            default: throw unexpected(frame.header.kind)
            }
        } catch {
            throw error.at(frame)
        }
    }

    /// The welcome was sent.
    public mutating func welcome() {
        precondition(phase == .opening, "a welcome answers a hello")
        phase = .open
    }

    /// So many batches were answered.
    public mutating func answeredBatches(_ count: Int) {
        precondition(count <= openBatches, "an answer for a batch that was not sent")
        openBatches -= count
    }

    /// A request was answered in full, or failed.
    public mutating func answeredRequest() {
        precondition(openRequests > 0, "an answer for a request that was not sent")
        openRequests -= 1
    }

    /// True the first time: a goodbye is to be sent.
    public mutating func sayGoodbye() -> Bool {
        defer { saidGoodbye = true }
        return !saidGoodbye
    }

    /// Nothing that comes from now on matters.
    public mutating func close() { phase = .closed }

    private mutating func abandon(_ frame: Frame) throws(ProtocolFault) -> Action {
        let fault = try ProtocolFault(frame)
        phase = .closed
        return .abandon(fault)
    }

    private mutating func open(_ frame: Frame) throws(ProtocolFault) -> Action {
        let hello = try Hello(frame)
        phase = .opening
        return .open(hello)
    }

    private mutating func submit(_ frame: Frame) throws(ProtocolFault) -> Action {
        let header = frame.header
        guard header.number == lastBatch + 1 else {
            throw ProtocolFault(.outOfOrder, "batch \(header.number) came, expected batch \(lastBatch + 1)")
        }
        guard openBatches < limits.windowBatches else {
            throw ProtocolFault(
                .windowExceeded, "\(openBatches) batches have no receipt yet, which is all that the welcome allows")
        }
        guard header.count <= limits.recordsPerBatch else {
            throw ProtocolFault(
                .wrongShape, "a batch of \(header.count) records, the welcome allows \(limits.recordsPerBatch)")
        }
        lastBatch += 1
        openBatches += 1
        return .submit(batch: lastBatch)
    }

    private mutating func request(_ frame: Frame) throws(ProtocolFault) -> Action {
        guard openRequests < limits.openRequests else {
            throw ProtocolFault(
                .windowExceeded, "\(openRequests) requests have no answer yet, which is all that the welcome allows")
        }
        let action: Action =
            switch frame.header.kind {
            case .names: .names(try NamesRequest(frame))
            case .accounts: .accounts(try AccountsRequest(frame))
            case .datedAccounts: .datedAccounts(try DatedAccountsRequest(frame))
            default: .query(try Query(frame))
            }
        openRequests += 1
        return action
    }

    private func unexpected(_ kind: FrameKind) -> ProtocolFault {
        let expectation =
            switch phase {
            case .awaitingHello: "a hello comes first, behind credentials at most once"
            case .opening: "nothing may come before the welcome"
            case .open: "a client sends batches, requests, pings and a goodbye"
            case .finishing, .closed: "nothing may follow a goodbye"
            }
        return ProtocolFault(.unexpectedFrame, "a \(kind) frame may not come now: \(expectation)")
    }
}
