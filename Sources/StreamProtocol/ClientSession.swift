/// The client's side of one connection, without its bytes and its threads.
///
/// | phase | welcome | receipt, refused | codes, tokens, answer, failed | pong | goodbye | error | others |
/// |---|---|---|---|---|---|---|---|
/// | awaiting welcome | open | fault | fault | fault | server closes | closed | fault |
/// | open | fault | answer | answer | alive | server closes | closed | fault |
/// | finishing | fault | answer | answer | alive | closed | closed | fault |
/// | closed | ignored | ignored | ignored | ignored | ignored | ignored | ignored |
public struct ClientSession: Sendable {
    /// Where the conversation stands.
    public enum Phase: Hashable, Sendable {
        /// The hello was sent.
        case awaitingWelcome
        /// Batches and requests may be sent.
        case open
        /// This side said goodbye; answers are still due.
        case finishing
        /// Both sides are done, or one found a fault.
        case closed
    }

    /// What a frame tells the client.
    public enum Event: Hashable, Sendable {
        /// Batches and requests may be sent now.
        case welcome(Welcome)
        /// The oldest open batch has its receipt.
        case receipt(BatchReceipt)
        /// The oldest open batch was refused.
        case refused(batch: UInt64, RequestFailure)
        /// A names request is answered.
        case codes(CodesAnswer)
        /// An accounts request is answered.
        case tokens(TokensAnswer)
        /// A part of an answer to a query.
        case answer(AnswerPart)
        /// A request failed.
        case failed(request: UInt64, RequestFailure)
        /// The server is there.
        case alive
        /// The server stops: say goodbye, take the remaining receipts, come back later with the rest.
        case serverCloses
        /// Both sides said goodbye.
        case finished
        /// The server found a fault in what this side sent, and closes.
        case fault(ProtocolFault)
        /// Nothing.
        case ignore
    }

    /// Where the conversation stands.
    public private(set) var phase = Phase.awaitingWelcome
    /// What the server allows; nil before the welcome.
    public private(set) var limits: SessionLimits?
    /// Batches that have no answer yet.
    public private(set) var openBatches = 0

    private var lastBatch: UInt64 = 0

    /// A connection whose hello was just sent.
    public init() {}

    /// True while another batch may be sent.
    public var hasCredit: Bool { phase == .open && openBatches < (limits?.windowBatches ?? 0) }

    /// The number of the batch that is sent now.
    public mutating func nextBatch() -> UInt64 {
        precondition(hasCredit, "a batch beyond the credit window")
        lastBatch += 1
        openBatches += 1
        return lastBatch
    }

    /// True the first time: a goodbye is to be sent, and nothing after it.
    public mutating func sayGoodbye() -> Bool {
        guard phase == .open else { return false }
        phase = .finishing
        return true
    }

    /// Takes a frame, and says what it tells.
    public mutating func receive(_ frame: Frame) throws(ProtocolFault) -> Event {
        do throws(ProtocolFault) {
            switch (phase, frame.header.kind) {
            case (.closed, _): return .ignore
            case (_, .error):
                phase = .closed
                return .fault(try ProtocolFault(frame))
            case (.awaitingWelcome, .welcome): return try open(frame)
            case (.awaitingWelcome, .goodbye), (.open, .goodbye): return .serverCloses
            case (.finishing, .goodbye):
                phase = .closed
                return .finished
            case (.open, _), (.finishing, _): return try answer(frame)
            default: throw unexpected(frame.header.kind)
            }
        } catch {
            throw error.at(frame)
        }
    }

    private mutating func open(_ frame: Frame) throws(ProtocolFault) -> Event {
        let welcome = try Welcome(frame)
        limits = welcome.limits
        phase = .open
        return .welcome(welcome)
    }

    private mutating func answer(_ frame: Frame) throws(ProtocolFault) -> Event {
        let number = frame.header.number
        switch frame.header.kind {
        case .receipt:
            try settle(number)
            return .receipt(try BatchReceipt(frame))
        case .refused:
            try settle(number)
            return .refused(batch: number, try RequestFailure(frame))
        case .codes: return .codes(try CodesAnswer(frame))
        case .tokens: return .tokens(try TokensAnswer(frame))
        case .answer: return .answer(try AnswerPart(frame))
        case .failed: return .failed(request: number, try RequestFailure(frame))
        case .pong: return .alive
        default: throw unexpected(frame.header.kind)
        }
    }

    private mutating func settle(_ number: UInt64) throws(ProtocolFault) {
        let expected = lastBatch - UInt64(openBatches) + 1
        guard openBatches > 0, number == expected else {
            throw ProtocolFault(
                .outOfOrder,
                openBatches == 0
                    ? "an answer to batch \(number) came and no batch is open"
                    : "an answer to batch \(number) came, expected batch \(expected)")
        }
        openBatches -= 1
    }

    private func unexpected(_ kind: FrameKind) -> ProtocolFault {
        ProtocolFault(.unexpectedFrame, "a \(kind) frame may not come from a server now")
    }
}
