import Access
import Ledger
import NIOCore
import Presentation
import Storage
import StreamProtocol
import Transactions

/// What is answered by others than the committer: sources and names, and queries.
extension StreamHandler {
    func open(_ hello: Hello) {
        guard mayOpen(hello) else { return }
        logger[metadataKey: "client"] = .string(harmless(hello.clientName))
        let names = hello.sources.compactMap { if case .name(let text) = $0 { Name(.source, text) } else { nil } }
        guard !names.isEmpty else { return welcome(hello, codesOfNames: []) }
        lookUp(names) { handler, result in
            switch result {
            case .success(let codes): handler.welcome(hello, codesOfNames: codes)
            case .failure(let refusal):
                let code: ProtocolFault.Code = refusal.cause == .closing ? .closing : .refusedSource
                handler.fail(ProtocolFault(code, refusal.description))
            }
        }
    }

    func answer(_ request: NamesRequest) {
        if let refusal = refusal(ofLookUp: request.names) { return refuseLookUp(request.number, refusal) }
        lookUp(request.names) { handler, result in
            switch result {
            case .success(let codes): CodesAnswer(number: request.number, codes: codes).encode(to: &handler.answers)
            case .failure(let refusal):
                RequestFailure(refusal).encodeFailed(request: request.number, to: &handler.answers)
            }
            handler.finishLookUp()
        }
    }

    /// With the key that is in force now.
    func answer(_ request: AccountsRequest) {
        let today = CalendarDay(utcDayOf: SystemMachine().wallClockMicroseconds())
        var accounts = AccountNumbers()
        for account in request.accounts { accounts.append(account, on: today) }
        answer(request.number, accounts)
    }

    func answer(_ request: DatedAccountsRequest) { answer(request.number, request.accounts) }

    private func answer(_ number: UInt64, _ accounts: AccountNumbers) {
        if let refusal = refusal(ofLookUp: []) { return refuseLookUp(number, refusal) }
        Task { [desk = shared.tokenDesk, mailbox] in
            let result = await desk.tokens(for: accounts)
            mailbox.leave { handler in
                switch result {
                case .success(let tokens): TokensAnswer(number: number, tokens: tokens).encode(to: &handler.answers)
                case .failure(let refusal):
                    RequestFailure(refusal).encodeFailed(request: number, to: &handler.answers)
                }
                handler.finishLookUp()
            }
        }
    }

    private func refuseLookUp(_ number: UInt64, _ denial: Denial) {
        RequestFailure(.notAllowed, mayRetry: false, denial.description).encodeFailed(request: number, to: &answers)
        finishLookUp()
    }

    func answer(_ query: Query) {
        guard entrance.isLocal else {
            RequestFailure(.notAllowed, mayRetry: false, "queries are answered on the ledger's local socket only")
                .encodeFailed(request: query.number, to: &answers)
            return session.answeredRequest()
        }
        Task { [answer = shared.query, mailbox] in
            let result: Result<[UInt8], any Error>
            do { result = .success(try await answer(query.bytes)) } catch { result = .failure(error) }
            mailbox.leave { handler in
                switch result {
                case .success(let bytes): AnswerPart.encode(bytes, request: query.number, to: &handler.answers)
                case .failure(let error):
                    let isDamage = error is DamageError || (error as? LogError)?.isDamage == true
                    RequestFailure(isDamage ? .damaged : .queryFailed, mayRetry: false, "\(error)")
                        .encodeFailed(request: query.number, to: &handler.answers)
                }
                handler.session.answeredRequest()
                handler.flushAnswers()
            }
        }
    }

    private func welcome(_ hello: Hello, codesOfNames: [UInt32]) {
        guard fault == nil, session.phase == .opening else { return }
        var codesOfNames = codesOfNames.makeIterator()
        let codes = hello.sources.compactMap { source in
            switch source {
            case .code(let code): code
            case .name: codesOfNames.next().map { UInt16($0) }
            }
        }
        sources = SourceSet(codes)
        session.welcome()
        Welcome(
            limits: session.limits, ledgerID: shared.engine.ledgerID, sourceCodes: codes,
            serverName: shared.configuration.serverName
        ).encode(to: &answers)
        logger.debug("session opened", metadata: ["sources": .stringConvertible(codes.count)])
        flushAnswers()
    }

    private func lookUp(
        _ names: [Name], then act: @escaping @Sendable (StreamHandler, Result<[UInt32], Refusal>) -> Void
    ) {
        Task { [engine = shared.engine, mailbox] in
            let result: Result<[UInt32], Refusal>
            do throws(Refusal) {
                result = .success(try await engine.codes(for: names))
            } catch {
                result = .failure(error)
            }
            mailbox.leave { act($0, result) }
        }
    }
}

/// Makes tokens, one request at a time and on no event loop: a thousand of them take a millisecond, and whoever asks without
/// end waits for himself and not before others' batches.
actor TokenDesk {
    private let engine: any IngestEngine

    init(engine: any IngestEngine) { self.engine = engine }

    func tokens(for accounts: AccountNumbers) -> Result<[UInt64], Refusal> {
        do throws(Refusal) { return .success(try engine.tokens(for: accounts)) } catch { return .failure(error) }
    }
}

extension RequestFailure {
    /// A refusal of the ledger as it goes over the wire.
    init(_ refusal: Refusal) {
        let cause: Cause =
            switch refusal.cause {
            case .diskFull: .diskFull
            case .failed: .failed
            case .closing: .closing
            case .namesExhausted: .namesExhausted
            case .damaged: .damaged
            case .codeTaken, .noTokenKey: .queryFailed
            }
        self.init(cause, mayRetry: refusal.cause == .diskFull || refusal.cause == .closing, refusal.description)
    }
}
