import Simulation
import StreamProtocol
import Transactions

extension FuzzTarget {
    /// A stream to the server: frames, and the server's side of a session.
    static let frames = FuzzTarget(
        name: "frames", largestByteCount: 8192, repair: FrameRepair.repair, seeds: FrameSeeds.toServer
    ) {
        { bytes in
            try StreamRun.compare(bytes) { () -> StreamRun.Take in
                var server = ServerSide()
                return { try server.take($0) }
            }
        }
    }

    /// A stream to the client: frames, and the client's side of a session.
    static let answers = FuzzTarget(
        name: "answers", largestByteCount: 8192, repair: FrameRepair.repair, seeds: FrameSeeds.toClient
    ) {
        { bytes in
            try StreamRun.compare(bytes) { () -> StreamRun.Take in
                var client = ClientSide()
                return { try client.take($0) }
            }
        }
    }
}

/// What came of a stream, so that two ways of cutting it can be compared.
private enum StreamRun {
    typealias Take = (Frame) throws -> AnyHashable

    struct Outcome: Equatable {
        var taken: [AnyHashable] = []
        var fault: ProtocolFault?
        var streamOffset: UInt64 = 0
        var holdsPartialFrame = false
    }

    /// Runs the stream in one piece and in many. True when a frame was taken.
    static func compare(_ bytes: UnsafeRawBufferPointer, _ side: () -> Take) throws -> Bool {
        var whole = Outcome()
        var assembler = FrameAssembler()
        let wholeSide = side()
        try feed(bytes, &assembler, wholeSide, &whole)
        try finish(assembler, bytes.count, &whole)

        var cut = Outcome()
        var cutAssembler = FrameAssembler()
        let cutSide = side()
        var pieces = Pieces(of: bytes)
        while cut.fault == nil, try pieces.next({ try feed($0, &cutAssembler, cutSide, &cut) }) {}
        try finish(cutAssembler, bytes.count, &cut)
        try require(whole == cut, "in one piece: \(whole)\nin many: \(cut)")
        return !whole.taken.isEmpty
    }

    private static func feed(
        _ chunk: UnsafeRawBufferPointer, _ assembler: inout FrameAssembler, _ take: Take, _ outcome: inout Outcome
    ) throws {
        var offset = 0
        do {
            while let frame = try assembler.next(in: chunk, at: &offset) {
                try require(
                    frame.header.kind != .batch || Int(bitPattern: frame.payload.baseAddress) & 7 == 0,
                    "a batch whose records are not aligned")
                outcome.taken.append(try take(frame))
            }
            try require(offset == chunk.count, "\(offset) of \(chunk.count) bytes were taken and no frame came of them")
        } catch let fault as ProtocolFault {
            outcome.fault = fault
        }
    }

    private static func finish(_ assembler: borrowing FrameAssembler, _ byteCount: Int, _ outcome: inout Outcome) throws
    {
        outcome.streamOffset = assembler.streamOffset
        try require(assembler.streamOffset <= UInt64(byteCount), "more bytes were counted than came")
        guard let fault = outcome.fault else {
            outcome.holdsPartialFrame = assembler.holdsPartialFrame
            return
        }
        try require(fault.streamOffset <= UInt64(byteCount), "a fault behind the end of the stream")
        var encoder = FrameEncoder()
        fault.encode(to: &encoder)
        try require(encoder.bytes.count <= Wire.largestFrameByteCount, "an error frame beyond the largest frame")
    }
}

extension Frame {
    /// Throws unless `encode` writes this very frame.
    fileprivate func isWritten(by encode: (inout FrameEncoder) -> Void) throws(BrokenProperty) {
        var encoder = FrameEncoder()
        encode(&encoder)
        var own = [UInt8](repeating: 0, count: Wire.headerByteCount)
        own.withUnsafeMutableBytes { header.encode(into: $0) }
        own += payload
        try require(encoder.bytes == own, "a \(header.kind) frame is written otherwise than it came")
    }
}

/// A server that answers some of what it is asked, by a rule.
private struct ServerSide {
    private var session = ServerSession(limits: SessionLimits(recordsPerBatch: 64, windowBatches: 3, openRequests: 2))

    mutating func take(_ frame: Frame) throws -> AnyHashable {
        let action = try session.receive(frame)
        switch action {
        case .identify(let credentials):
            try require((1...Wire.mostCredentialBytes).contains(credentials.token.count), "empty or long credentials")
            try frame.isWritten { credentials.encode(to: &$0) }
        case .open(let hello):
            try require(hello.sources.count <= Wire.mostItems, "\(hello.sources.count) sources")
            try frame.isWritten { hello.encode(to: &$0) }
            session.welcome()
        case .submit(let batch):
            let faulty = Record.exceptions(in: frame.payload, nowMicroseconds: .max / 2, sources: SourceSet([7]))
            try require(faulty.count <= frame.header.count, "more exceptions than records")
            if batch % 4 == 0 { session.answeredBatches(session.openBatches) }
        case .names(let request):
            try frame.isWritten { request.encode(to: &$0) }
            if request.number % 2 == 0 { session.answeredRequest() }
        case .accounts(let request):
            try frame.isWritten { request.encode(to: &$0) }
            if request.number % 2 == 0 { session.answeredRequest() }
        case .datedAccounts(let request):
            try frame.isWritten { request.encode(to: &$0) }
            if request.number % 2 == 0 { session.answeredRequest() }
        case .query(let query):
            try frame.isWritten { query.encode(to: &$0) }
            if query.number % 2 == 0 { session.answeredRequest() }
        case .pong(let number): try frame.isWritten { $0.ping(number) }
        case .finish: try frame.isWritten { $0.goodbye() }
        case .abandon(let fault): try frame.isWritten { fault.encode(to: &$0) }
        case .ignore: break
        }
        try require(session.openBatches <= session.limits.windowBatches, "more open batches than the window has")
        try require(session.openRequests <= session.limits.openRequests, "more open requests than are allowed")
        return action
    }
}

/// A client that has sent as many batches as it may.
private struct ClientSide {
    private var session = ClientSession()

    mutating func take(_ frame: Frame) throws -> AnyHashable {
        let event = try session.receive(frame)
        switch event {
        case .welcome(let welcome):
            try frame.isWritten { welcome.encode(to: &$0) }
            for _ in 0..<min(8, welcome.limits.windowBatches) where session.hasCredit { _ = session.nextBatch() }
        case .receipt(let answer):
            try frame.isWritten { answer.encode(to: &$0) }
            try check(answer.receipt)
        case .refused(let batch, let failure): try frame.isWritten { failure.encodeRefused(batch: batch, to: &$0) }
        case .codes(let answer): try frame.isWritten { answer.encode(to: &$0) }
        case .tokens(let answer): try frame.isWritten { answer.encode(to: &$0) }
        case .answer(let part):
            try require(part.bytes.count <= Wire.mostOpaqueBytes, "a part of \(part.bytes.count) bytes")
        case .failed(let request, let failure): try frame.isWritten { failure.encodeFailed(request: request, to: &$0) }
        case .fault(let fault): try frame.isWritten { fault.encode(to: &$0) }
        case .serverCloses, .finished: try frame.isWritten { $0.goodbye() }
        case .alive, .ignore: break
        }
        return event
    }

    /// A client finds its own records by the exceptions' indices: they must lie inside the batch and ascend.
    private func check(_ receipt: Receipt) throws(BrokenProperty) {
        let count = receipt.accepted + receipt.duplicates + receipt.exceptions.count
        let indices = receipt.exceptions.map(\.index)
        try require(indices.allSatisfy { $0 < count }, "an exception for a record that the batch does not have")
        try require(zip(indices, indices.dropFirst()).allSatisfy { $0 < $1 }, "exceptions that do not ascend")
    }
}

/// Frames are found by the lengths in their headers; each gets its checksums.
private enum FrameRepair {
    @Sendable static func repair(_ bytes: UnsafeMutableRawBufferPointer) {
        var offset = 0
        while offset + Wire.headerByteCount <= bytes.count {
            let payloadByteCount = bytes.word(at: offset + 8)
            let payload = offset + Wire.headerByteCount..<offset + Wire.headerByteCount + payloadByteCount
            bytes.set(Wire.magic, at: offset)
            bytes.set(Wire.version, at: offset + 4)
            bytes.seal(payload, at: offset + 12)
            bytes.seal(offset..<offset + 28, at: offset + 28)
            offset = payload.upperBound
        }
    }
}

private enum FrameSeeds {
    private static func frames(_ encode: (inout FrameEncoder) -> Void) -> [UInt8] {
        var encoder = FrameEncoder()
        encode(&encoder)
        return encoder.bytes
    }

    private static func batch(_ number: UInt64, _ records: [Record]) -> [UInt8] {
        let payload = records.withUnsafeBytes { Array($0) }
        var header = [UInt8](repeating: 0, count: Wire.headerByteCount)
        header.withUnsafeMutableBytes { bytes in
            FrameHeader.batch(
                number: number, count: records.count, payloadChecksum: payload.withUnsafeBytes { checksum32C($0) }
            ).encode(into: bytes)
        }
        return header + payload
    }

    private static func compressedBatch(_ number: UInt64, _ records: [Record]) -> [UInt8] {
        var payload = [UInt8](repeating: 0, count: records.count * Record.byteCount)
        let byteCount = records.withUnsafeBytes { records in
            payload.withUnsafeMutableBytes { CompressedBatch.write(records, to: $0) }
        }
        payload.removeLast(payload.count - (byteCount ?? 0))
        var header = [UInt8](repeating: 0, count: Wire.headerByteCount)
        header.withUnsafeMutableBytes { bytes in
            FrameHeader.compressedBatch(
                number: number, count: records.count, payloadByteCount: payload.count,
                payloadChecksum: payload.withUnsafeBytes { checksum32C($0) }
            ).encode(into: bytes)
        }
        return header + payload
    }

    @Sendable static func toServer() -> [[UInt8]] {
        let sources: [SourceRequest] = [.code(7), .name("shop"), .name("chợ")]
        let hello = frames { Hello(clientName: "gate", sources: sources).encode(to: &$0) }
        let records = Samples.records(count: 6)
        let names = [Name(.source, "shop"), Name(.region, "Đà Nẵng"), Name(.payee, String(repeating: "x", count: 255))]
        var accounts = AccountNumbers()
        accounts.append([1], on: CalendarDay(daysSince1970: 20_000))
        accounts.append([UInt8](repeating: 2, count: 64), on: CalendarDay(daysSince1970: -1))
        let requests = frames { [accounts] in
            NamesRequest(number: 4, names: names).encode(to: &$0)
            AccountsRequest(number: 6, accounts: [[1], [UInt8](repeating: 2, count: 64)]).encode(to: &$0)
            DatedAccountsRequest(number: 10, accounts: accounts).encode(to: &$0)
            Query(number: 8, bytes: Array(#"{"status":{}}"#.utf8)).encode(to: &$0)
        }
        let credentials = frames { Credentials(token: Array("sluice_3f9a1c20_00".utf8)).encode(to: &$0) }
        return [
            hello, credentials + hello + frames { $0.ping(1) },
            hello + batch(1, Array(records[..<2])) + batch(2, records) + frames { $0.goodbye() },
            hello + compressedBatch(1, records) + batch(2, records) + frames { $0.goodbye() },
            hello + requests + frames { $0.ping(6) },
            hello + frames { ProtocolFault(.outOfOrder, "batch 3 came").encode(to: &$0) },
        ]
    }

    @Sendable static func toClient() -> [[UInt8]] {
        let welcome = frames {
            Welcome(
                limits: SessionLimits(windowBatches: 3, openRequests: 2), ledgerID: 0x0123_4567_89AB_CDEF,
                sourceCodes: [7, 0x8001], serverName: "sluice 1"
            ).encode(to: &$0)
        }
        let receipts = frames {
            for batch in 1...2 as ClosedRange<UInt64> {
                BatchReceipt(
                    batch: batch,
                    receipt: Receipt(
                        accepted: 3, duplicates: 1,
                        exceptions: [
                            Exception(index: 3, fault: Fault(.amount, .conflict)),
                            Exception(index: 4, fault: Fault(.flags, .reservedBits)),
                        ], firstSequence: 77_001, chain: ChainHead(sequence: 78_000, digest: (0..<32).map { $0 }))
                ).encode(to: &$0)
            }
            RequestFailure(.diskFull, mayRetry: true, "no space left").encodeRefused(batch: 3, to: &$0)
        }
        let answers = frames {
            CodesAnswer(number: 4, codes: [1, 0x8000_0001, 3]).encode(to: &$0)
            TokensAnswer(number: 5, tokens: [1, 0xFFFF_FFFF_FFFF]).encode(to: &$0)
            AnswerPart.encode(Array("[1]".utf8), request: 7, to: &$0)
            RequestFailure(.notAllowed, mayRetry: false, "not here").encodeFailed(request: 7, to: &$0)
            $0.pong(6)
            $0.goodbye()
        }
        return [
            welcome, welcome + receipts, welcome + answers,
            welcome + frames { ProtocolFault(.closing, "the server stops").encode(to: &$0) },
        ]
    }
}
