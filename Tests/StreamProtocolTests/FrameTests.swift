import Chance
import Testing
import Transactions

@testable import StreamProtocol

@Suite struct FrameTests {
    @Test func everyKindHasASample() {
        #expect(oneOfEach.count == FrameKind.allCases.count)
        for (kind, bytes) in oneOfEach {
            #expect(bytes[5] == kind.rawValue)
            #expect(bytes.count % 8 == 0)
        }
    }

    @Test func messagesComeBackAsTheyWere() throws {
        let hello = Hello(clientName: "gate", sources: [.code(7), .name("shop"), .name("chợ")])
        #expect(try withFrame(oneOfEach[.hello]!) { try Hello($0) } == hello)
        #expect(try withFrame(oneOfEach[.welcome]!) { try Welcome($0) } == sampleWelcome)
        #expect(try withFrame(oneOfEach[.receipt]!) { try BatchReceipt($0) } == sampleReceipt)
        let names = NamesRequest(number: 4, names: sampleNames)
        #expect(try withFrame(oneOfEach[.names]!) { try NamesRequest($0) } == names)
        #expect(try withFrame(oneOfEach[.codes]!) { try CodesAnswer($0).codes } == [1, 0x8000_0001, 3])
        let accounts = try withFrame(oneOfEach[.accounts]!) { try AccountsRequest($0).accounts }
        #expect(accounts == [[1], [UInt8](repeating: 2, count: 64)])
        let dated = try withFrame(oneOfEach[.datedAccounts]!) { try DatedAccountsRequest($0).accounts }
        #expect(dated == sampleDatedAccounts)
        #expect(try withFrame(oneOfEach[.tokens]!) { try TokensAnswer($0).tokens } == [1, 0xFFFF_FFFF_FFFF])
        #expect(try withFrame(oneOfEach[.query]!) { try Query($0).bytes } == Array("{}".utf8))
        let failure = try withFrame(oneOfEach[.refused]!) { try RequestFailure($0) }
        #expect(failure == RequestFailure(.diskFull, mayRetry: true, "no space left"))
    }

    @Test func batchHoldsItsRecords() throws {
        let bytes = oneOfEach[.batch]!
        try withFrame(bytes) { frame in
            #expect(frame.header.count == 2)
            #expect(frame.header.number == 1)
            #expect(Int(bitPattern: frame.payload.baseAddress) % 8 == 0)
            #expect(Array(frame.payload.bindMemory(to: Record.self)) == [sampleRecord(1), sampleRecord(2)])
        }
    }

    @Test func accountsAreNeverPrinted() {
        var dated = AccountNumbers()
        dated.append([0x39, 0x37], on: .first)
        for action in [
            ServerSession.Action.accounts(AccountsRequest(number: 5, accounts: [[0x39, 0x37]])),
            .datedAccounts(DatedAccountsRequest(number: 5, accounts: dated)),
        ] {
            var dumped = ""
            dump(action, to: &dumped)
            for text in ["\(action)", String(reflecting: action), dumped] {
                #expect(!text.contains("57") && !text.contains("97"))
            }
        }
    }

    @Test func errorCarriesItsPlace() throws {
        var sent = ProtocolFault(.outOfOrder, "batch 3 came, expected batch 2")
        sent.kind = FrameKind.batch.rawValue
        sent.number = 3
        sent.streamOffset = 4096
        let received = try withFrame(frames { sent.encode(to: &$0) }) { try ProtocolFault($0) }
        #expect(received == sent)
        #expect(received.description == "batch frame 3 at byte 4096: batch 3 came, expected batch 2")
    }

    @Test func longTextsAreCutBetweenCharacters() throws {
        let text = String(repeating: "ế", count: 600)
        let bytes = frames { ProtocolFault(.idle, text).encode(to: &$0) }
        let received = try withFrame(bytes) { try ProtocolFault($0).text }
        #expect(received == String(repeating: "ế", count: 333))
    }

    @Test(arguments: [0, 1, 65_528, 65_529, 200_000])
    func answersTakeAsManyPartsAsTheyNeed(byteCount: Int) throws {
        let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var joined: [UInt8] = []
        var lastFlags: [Bool] = []
        try forEachFrame(frames { AnswerPart.encode(bytes, request: 3, to: &$0) }) { frame in
            let part = try AnswerPart(frame)
            #expect(part.part == lastFlags.count)
            joined += part.bytes
            lastFlags.append(part.isLast)
        }
        #expect(joined == bytes)
        #expect(lastFlags.last == true && !lastFlags.dropLast().contains(true))
    }
}

@Suite struct DamagedFrameTests {
    /// Every frame is decoded to its content by the side that receives it.
    private func decode(_ frame: Frame) throws {
        switch frame.header.kind {
        case .hello: _ = try Hello(frame)
        case .welcome: _ = try Welcome(frame)
        case .receipt: _ = try BatchReceipt(frame)
        case .refused, .failed: _ = try RequestFailure(frame)
        case .names: _ = try NamesRequest(frame)
        case .codes: _ = try CodesAnswer(frame)
        case .accounts: _ = try AccountsRequest(frame)
        case .datedAccounts: _ = try DatedAccountsRequest(frame)
        case .tokens: _ = try TokensAnswer(frame)
        case .error: _ = try ProtocolFault(frame)
        case .query: _ = try Query(frame)
        case .credentials: _ = try Credentials(frame)
        case .answer: _ = try AnswerPart(frame)
        case .batch, .compressedBatch, .ping, .pong, .goodbye: break
        }
    }

    @Test(arguments: FrameKind.allCases)
    func everyFlippedByteIsDetected(kind: FrameKind) throws {
        let bytes = oneOfEach[kind]!
        for position in bytes.indices {
            for mask in [0x01, 0x80, 0xFF] as [UInt8] {
                var damaged = bytes
                damaged[position] ^= mask
                let found = fault { try forEachFrame(damaged, decode) }
                let expected: ProtocolFault.Code =
                    switch position {
                    case 0..<4: .wrongMagic
                    case 4: .unsupportedVersion
                    case 5..<32: .headerChecksum
                    default: .payloadChecksum
                    }
                #expect(found?.code == expected, "\(kind) byte \(position)")
            }
        }
    }

    /// Whatever a hostile client writes under good checksums is a message or a fault, never a trap.
    @Test(arguments: FrameKind.allCases)
    func sealedGarbageNeverTraps(kind: FrameKind) throws {
        let bytes = oneOfEach[kind]!
        for position in bytes.indices {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
                var changed = bytes
                changed[position] = value
                _ = fault { try forEachFrame(resealed(changed), decode) }
            }
        }
        var random = SeededGenerator(seed: UInt64(kind.rawValue))
        for _ in 0..<300 where bytes.count > Wire.headerByteCount {
            var changed = bytes
            for position in Wire.headerByteCount..<bytes.count { changed[position] = random.next(upperBound: 255) }
            _ = fault { try forEachFrame(resealed(changed), decode) }
        }
    }

    @Test(arguments: FrameKind.allCases)
    func noPrefixIsAFrame(kind: FrameKind) throws {
        let bytes = oneOfEach[kind]!
        for count in bytes.indices {
            var frameCount = 0
            try forEachFrame(Array(bytes[..<count])) { _ in frameCount += 1 }
            #expect(frameCount == 0)
        }
    }

    /// Lies of the header that its own checksum vouches for.
    @Test(arguments: [
        (FrameKind.batch, 8, UInt32(192), ProtocolFault.Code.wrongShape),
        (.batch, 8, 0, .wrongShape),
        (.batch, 8, 65_600, .wrongShape),
        (.batch, 8, .max, .wrongShape),
        (.batch, 24, 0, .wrongShape),
        (.batch, 24, 3, .wrongShape),
        (.batch, 24, .max, .wrongShape),
        (.hello, 8, 1 << 20, .wrongShape),
        (.hello, 8, 7, .wrongShape),
        (.hello, 16, 1, .wrongShape),
        (.hello, 24, 1025, .wrongShape),
        (.hello, 24, 1024, .refusedSource),
        (.hello, 24, 1, .malformedPayload),
        (.names, 24, 0, .wrongShape),
        (.names, 24, 4, .malformedPayload),
        (.names, 24, 2, .malformedPayload),
        (.codes, 24, 1024, .malformedPayload),
        (.receipt, 24, 1, .malformedPayload),
        (.ping, 24, 1, .wrongShape),
        (.credentials, 8, 8, .wrongShape),
        (.credentials, 16, 1, .wrongShape),
        (.credentials, 32, 0, .malformedPayload),
        (.credentials, 32, 513, .malformedPayload),
        (.goodbye, 16, 1, .wrongShape),
        (.compressedBatch, 24, 0, .wrongShape),
        (.compressedBatch, 24, 1025, .wrongShape),
        (.compressedBatch, 24, 39, .malformedPayload),
        (.compressedBatch, 24, 41, .malformedPayload),
        (.compressedBatch, 24, 1024, .malformedPayload),
        (.compressedBatch, 32, 0, .malformedPayload),
        (.compressedBatch, 32, .max, .malformedPayload),
        (.compressedBatch, 36, 1, .malformedPayload),
    ])
    func lyingHeadersAreFaults(kind: FrameKind, offset: Int, value: UInt32, code: ProtocolFault.Code) throws {
        var bytes = oneOfEach[kind]!
        withUnsafeBytes(of: value) { bytes.replaceSubrange(offset..<offset + 4, with: $0) }
        let found = fault { try forEachFrame(resealed(bytes), decode) }
        #expect(found?.code == code)
    }

    @Test func otherRecordVersionsAreNamed() throws {
        var bytes = oneOfEach[.batch]!
        bytes[6] = 2
        bytes[7] = 96
        let found = fault { try forEachFrame(resealed(bytes), decode) }
        #expect(found?.code == .wrongShape)
        #expect(found?.text.contains("version 2 with 96 bytes, expected version 1 with 64 bytes") == true)
    }

    @Test func unknownKindsAreNamed() {
        var bytes = oneOfEach[.ping]!
        bytes[5] = 99
        let found = fault { try forEachFrame(resealed(bytes), decode) }
        #expect(found?.code == .unknownKind)
        #expect(found?.text.contains("99") == true)
    }

    /// Statements of reference data are not for clients that send.
    @Test func namesAreOnlyThoseOfRecords() {
        func found(_ space: NameSpace) -> ProtocolFault? {
            fault {
                try forEachFrame(frames { NamesRequest(number: 1, names: [Name(space, "x")]).encode(to: &$0) }, decode)
            }
        }
        for space in NameSpace.ofRecords { #expect(found(space) == nil) }
        #expect(found(.statement)?.text == "name 0 is of space 6, expected 1 to 5")
    }

    @Test func textsThatAreNotUTF8AreFaults() {
        var bytes = oneOfEach[.hello]!
        bytes[Wire.headerByteCount + 8] = 0xC0
        #expect(fault { try forEachFrame(resealed(bytes), decode) }?.code == .malformedPayload)
    }

    /// A client finds its records by these indices.
    @Test(arguments: [[5], [1024], [3, 3], [4, 3]])
    func exceptionsOutsideOfTheBatchOrOutOfOrderAreFaults(indices: [Int]) {
        let exceptions = indices.map { Exception(index: $0, fault: Fault(.amount, .conflict)) }
        let bytes = frames {
            BatchReceipt(
                batch: 1,
                receipt: Receipt(
                    accepted: max(0, 5 - indices.count), duplicates: 0, exceptions: exceptions, firstSequence: 1,
                    chain: .origin)
            ).encode(to: &$0)
        }
        #expect(fault { try forEachFrame(bytes, decode) }?.code == .malformedPayload)
    }

    /// Length of the text, at its place in the payload.
    @Test(arguments: [(.refused, 2), (.failed, 2), (.error, 4)] as [(FrameKind, Int)])
    func textsBeyondTheirLimitAreFaults(kind: FrameKind, offset: Int) {
        func decoded(_ byteCount: Int) -> ProtocolFault? {
            let fixed = kind == .error ? 16 : 8
            var payload = Array(oneOfEach[kind]![Wire.headerByteCount..<Wire.headerByteCount + fixed])
            withUnsafeBytes(of: UInt16(byteCount)) { payload.replaceSubrange(offset..<offset + 2, with: $0) }
            payload += [UInt8](repeating: 0x61, count: byteCount)
            payload += [UInt8](repeating: 0, count: -payload.count & 7)
            var bytes = Array(oneOfEach[kind]![..<Wire.headerByteCount]) + payload
            withUnsafeBytes(of: UInt32(payload.count)) { bytes.replaceSubrange(8..<12, with: $0) }
            return fault { try forEachFrame(resealed(bytes), decode) }
        }
        #expect(decoded(Wire.longestTextByteCount) == nil)
        #expect(decoded(Wire.longestTextByteCount + 1)?.code == .malformedPayload)
        #expect(decoded(60_000)?.code == .malformedPayload)
    }

    @Test(arguments: [0, 0x8000, 0xFFFF] as [UInt16])
    func sourceCodesOutsideOfTheUsersRangeAreRefused(code: UInt16) {
        let bytes = frames { Hello(clientName: "", sources: [.code(code)]).encode(to: &$0) }
        #expect(fault { try forEachFrame(bytes, decode) }?.code == .refusedSource)
    }
}

extension SeededGenerator {
    fileprivate mutating func next(upperBound: UInt8) -> UInt8 { UInt8.random(in: 0...upperBound, using: &self) }
}
