import Ledger
import NIOCore
import Storage
import StreamProtocol
import Transactions

/// What is answered by others than the committer: sources and names, and queries.
extension StreamHandler {
    func open(_ hello: Hello) {
        logger[metadataKey: "client"] = .string(hello.clientName)
        let names = hello.sources.compactMap { if case .name(let text) = $0 { Name(.source, text) } else { nil } }
        guard !names.isEmpty else { return welcome(hello, codesOfNames: []) }
        lookUp(names) { [self] result in
            switch result {
            case .success(let codes): welcome(hello, codesOfNames: codes)
            case .failure(let refusal):
                let code: ProtocolFault.Code = refusal.cause == .closing ? .closing : .refusedSource
                fail(ProtocolFault(code, refusal.description))
            }
        }
    }

    func answer(_ request: NamesRequest) {
        lookUp(request.names) { [self] result in
            switch result {
            case .success(let codes): CodesAnswer(number: request.number, codes: codes).encode(to: &answers)
            case .failure(let refusal): RequestFailure(refusal).encodeFailed(request: request.number, to: &answers)
            }
            session.answeredRequest()
            flushAnswers()
        }
    }

    func answer(_ query: Query) {
        guard isLocal else {
            RequestFailure(.notAllowed, mayRetry: false, "queries are answered on the ledger's local socket only")
                .encodeFailed(request: query.number, to: &answers)
            return session.answeredRequest()
        }
        guard let eventLoop = context?.eventLoop else { return }
        eventLoop.makeFutureWithTask { [handler = shared.query] in try await handler(query.bytes) }
            .assumeIsolated().whenComplete { [self] result in
                switch result {
                case .success(let bytes): AnswerPart.encode(bytes, request: query.number, to: &answers)
                case .failure(let error):
                    let isDamage = error is DamageError || (error as? LogError)?.isDamage == true
                    RequestFailure(isDamage ? .damaged : .queryFailed, mayRetry: false, "\(error)")
                        .encodeFailed(request: query.number, to: &answers)
                }
                session.answeredRequest()
                flushAnswers()
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

    private func lookUp(_ names: [Name], then act: @escaping (Result<[UInt32], Refusal>) -> Void) {
        guard let eventLoop = context?.eventLoop else { return }
        eventLoop.makeFutureWithTask { [engine = shared.engine] () async -> Result<[UInt32], Refusal> in
            do throws(Refusal) {
                return .success(try await engine.codes(for: names))
            } catch {
                return .failure(error)
            }
        }
        .assumeIsolated().whenSuccess(act)
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
            }
        self.init(cause, mayRetry: refusal.cause == .diskFull || refusal.cause == .closing, refusal.description)
    }
}
