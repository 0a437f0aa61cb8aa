import Testing
import Transactions

@testable import StreamProtocol

/// What each state says to each frame, as the tables in the sources and in `docs/protocol.md` have it.
@Suite struct ServerSessionTests {
    private func session(in phase: ServerSession.Phase) throws -> ServerSession {
        var session = ServerSession(limits: SessionLimits(windowBatches: 2, openRequests: 2))
        if phase == .awaitingHello { return session }
        if phase == .closed {
            session.close()
            return session
        }
        _ = try withFrame(oneOfEach[.hello]!) { try session.receive($0) }
        if phase == .opening { return session }
        session.welcome()
        if phase == .finishing { _ = try withFrame(oneOfEach[.goodbye]!) { try session.receive($0) } }
        return session
    }

    @Test(arguments: FrameKind.allCases)
    func everyFrameInEveryPhase(kind: FrameKind) throws {
        let allowed: [ServerSession.Phase: Set<FrameKind>] = [
            .awaitingHello: [.credentials, .hello, .error],
            .opening: [.error],
            .open: [.batch, .compressedBatch, .names, .accounts, .datedAccounts, .query, .ping, .goodbye, .error],
            .finishing: [.error],
            .closed: Set(FrameKind.allCases),
        ]
        for (phase, kinds) in allowed {
            var session = try session(in: phase)
            #expect(session.phase == phase)
            let found = fault { try forEachFrame(oneOfEach[kind]!) { _ = try session.receive($0) } }
            #expect(found?.code == (kinds.contains(kind) ? nil : .unexpectedFrame), "\(kind) while \(phase)")
            if let found { #expect(found.kind == kind.rawValue) }
        }
    }

    @Test func credentialsComeOnceAndBeforeTheHello() throws {
        var session = try session(in: .awaitingHello)
        try forEachFrame(oneOfEach[.credentials]!) {
            let action = try session.receive($0)
            #expect(action == .identify(Credentials(token: Array("sluice_secret".utf8))))
        }
        let again = fault { try forEachFrame(oneOfEach[.credentials]!) { _ = try session.receive($0) } }
        #expect(again?.code == .unexpectedFrame)
        #expect(!"\(Credentials(token: Array("secret".utf8)))".contains("secret"))
    }

    @Test func batchesCountUpFromOne() throws {
        for numbers in [[2], [0], [1, 1], [1, 3]] as [[UInt64]] {
            var session = try session(in: .open)
            let found = fault {
                for number in numbers {
                    try forEachFrame(batchFrame(number: number, records: [sampleRecord(1)])) {
                        let action = try session.receive($0)
                        #expect(action == .submit(batch: number))
                    }
                }
            }
            #expect(found?.code == .outOfOrder)
            #expect(found?.number == numbers.last)
        }
    }

    @Test func windowBoundsOpenBatches() throws {
        var session = try session(in: .open)
        func send(_ number: UInt64) -> ProtocolFault? {
            fault {
                try forEachFrame(batchFrame(number: number, records: [sampleRecord(1)])) { _ = try session.receive($0) }
            }
        }
        #expect(send(1) == nil)
        #expect(send(2) == nil)
        session.answeredBatches(1)
        #expect(send(3) == nil)
        #expect(send(4)?.code == .windowExceeded)
        #expect(session.openBatches == 2)
    }

    @Test func requestsAreBounded() throws {
        var session = try session(in: .open)
        func ask(_ kind: FrameKind) -> ProtocolFault? {
            fault { try forEachFrame(oneOfEach[kind]!) { _ = try session.receive($0) } }
        }
        #expect(ask(.names) == nil)
        #expect(ask(.query) == nil)
        #expect(ask(.accounts)?.code == .windowExceeded)
        session.answeredRequest()
        #expect(ask(.accounts) == nil)
    }

    @Test func smallerBatchLimitsHold() throws {
        var session = ServerSession(limits: SessionLimits(recordsPerBatch: 1))
        _ = try withFrame(oneOfEach[.hello]!) { try session.receive($0) }
        session.welcome()
        #expect(fault { try forEachFrame(oneOfEach[.batch]!) { _ = try session.receive($0) } }?.code == .wrongShape)
    }

    @Test func finishesWhenEverythingIsAnswered() throws {
        var session = try session(in: .open)
        for kind in [FrameKind.batch, .names, .goodbye] {
            _ = try withFrame(oneOfEach[kind]!) { try session.receive($0) }
        }
        #expect(!session.isFinished)
        session.answeredBatches(1)
        #expect(!session.isFinished)
        session.answeredRequest()
        #expect(session.isFinished)
        let goodbyes = [session.sayGoodbye(), session.sayGoodbye()]
        #expect(goodbyes == [true, false])
    }
}

@Suite struct ClientSessionTests {
    private func session(in phase: ClientSession.Phase) throws -> ClientSession {
        var session = ClientSession()
        if phase == .awaitingWelcome { return session }
        _ = try withFrame(oneOfEach[.welcome]!) { try session.receive($0) }
        _ = session.nextBatch()
        if phase == .open { return session }
        _ = session.sayGoodbye()
        if phase == .closed { _ = try withFrame(oneOfEach[.goodbye]!) { try session.receive($0) } }
        return session
    }

    @Test(arguments: FrameKind.allCases)
    func everyFrameInEveryPhase(kind: FrameKind) throws {
        let answers: Set<FrameKind> = [.receipt, .refused, .codes, .tokens, .answer, .failed, .pong, .goodbye, .error]
        let allowed: [ClientSession.Phase: Set<FrameKind>] = [
            .awaitingWelcome: [.welcome, .goodbye, .error],
            .open: answers,
            .finishing: answers,
            .closed: Set(FrameKind.allCases),
        ]
        var bytes = oneOfEach[kind]!
        if kind == .receipt {
            bytes = frames { BatchReceipt(batch: 1, receipt: sampleReceipt.receipt).encode(to: &$0) }
        }
        for (phase, kinds) in allowed {
            var session = try session(in: phase)
            #expect(session.phase == phase)
            let found = fault { try forEachFrame(bytes) { _ = try session.receive($0) } }
            #expect(found?.code == (kinds.contains(kind) ? nil : .unexpectedFrame), "\(kind) while \(phase)")
        }
    }

    @Test func creditIsSpentAndComesBack() throws {
        var session = try session(in: .open)
        let second = session.nextBatch()
        #expect(second == 2)
        #expect(session.hasCredit)
        let third = session.nextBatch()
        #expect(third == 3)
        #expect(!session.hasCredit)
        let bytes = frames { BatchReceipt(batch: 1, receipt: sampleReceipt.receipt).encode(to: &$0) }
        try forEachFrame(bytes) { _ = try session.receive($0) }
        #expect(session.hasCredit)
        #expect(session.openBatches == 2)
    }

    @Test(arguments: [0, 2, 3] as [UInt64])
    func answersComeInOrder(number: UInt64) throws {
        var session = try session(in: .open)
        _ = session.nextBatch()
        let bytes = frames { BatchReceipt(batch: number, receipt: sampleReceipt.receipt).encode(to: &$0) }
        #expect(fault { try forEachFrame(bytes) { _ = try session.receive($0) } }?.code == .outOfOrder)
    }

    @Test func nothingIsSentAfterGoodbye() throws {
        var session = try session(in: .finishing)
        let saysGoodbyeAgain = session.sayGoodbye()
        #expect(!session.hasCredit && !saysGoodbyeAgain)
        #expect(try withFrame(oneOfEach[.goodbye]!) { try session.receive($0) } == .finished)
    }
}
