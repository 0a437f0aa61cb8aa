import Transactions

@testable import StreamProtocol

/// A payment of `id`, always the same.
func sampleRecord(_ id: UInt64, source: UInt16 = 7) -> Record {
    Record(
        id: RecordID(low: id, high: 1), timeMicroseconds: 1_750_000_000_000_000, amountMinorUnits: 125_000,
        currency: .vnd, source: source)
}

/// The frame of a batch, as a client lays it out.
func batchFrame(number: UInt64, records: [Record]) -> [UInt8] {
    let payload = records.withUnsafeBytes { Array($0) }
    var bytes = [UInt8](repeating: 0, count: Wire.headerByteCount) + payload
    let checksum = payload.withUnsafeBytes { checksum32C($0) }
    bytes.withUnsafeMutableBytes {
        FrameHeader.batch(number: number, count: records.count, payloadChecksum: checksum).encode(into: $0)
    }
    return bytes
}

/// The frame of a compressed batch, as a client lays it out; the records must get smaller.
func compressedBatchFrame(number: UInt64, records: [Record]) -> [UInt8] {
    var payload = [UInt8](repeating: 0, count: records.count * Record.byteCount)
    let byteCount = records.withUnsafeBytes { records in
        payload.withUnsafeMutableBytes { CompressedBatch.write(records, to: $0) }
    }
    payload.removeLast(payload.count - byteCount!)
    var bytes = [UInt8](repeating: 0, count: Wire.headerByteCount) + payload
    let checksum = payload.withUnsafeBytes { checksum32C($0) }
    bytes.withUnsafeMutableBytes {
        FrameHeader.compressedBatch(
            number: number, count: records.count, payloadByteCount: payload.count, payloadChecksum: checksum
        ).encode(into: $0)
    }
    return bytes
}

/// The frames that `encode` adds.
func frames(_ encode: (inout FrameEncoder) -> Void) -> [UInt8] {
    var encoder = FrameEncoder()
    encode(&encoder)
    return encoder.bytes
}

/// Rewrites the checksums of a frame whose bytes were changed, so that only the change itself is wrong.
func resealed(_ frame: [UInt8]) -> [UInt8] {
    var frame = frame
    let payload = frame[Wire.headerByteCount...].withUnsafeBytes { checksum32C($0) }
    frame.withUnsafeMutableBytes { bytes in
        bytes.storeBytes(of: payload, toByteOffset: 12, as: UInt32.self)
        let header = checksum32C(UnsafeRawBufferPointer(rebasing: bytes[0..<28]))
        bytes.storeBytes(of: header, toByteOffset: 28, as: UInt32.self)
    }
    return frame
}

/// Gives each frame of `bytes`, all in one chunk, to `body`.
func forEachFrame(_ bytes: [UInt8], _ body: (Frame) throws -> Void) throws {
    var assembler = FrameAssembler()
    try bytes.withUnsafeBytes { chunk in
        var offset = 0
        while let frame = try assembler.next(in: chunk, at: &offset) { try body(frame) }
    }
}

/// What a session or decoder says to the single frame in `bytes`.
func withFrame<R>(_ bytes: [UInt8], _ body: (Frame) throws -> R) throws -> R {
    var result: R?
    try forEachFrame(bytes) { result = try body($0) }
    return result!
}

/// The fault that `body` throws; nil when it throws none.
func fault(_ body: () throws -> Void) -> ProtocolFault? {
    do {
        try body()
        return nil
    } catch {
        return error as? ProtocolFault
    }
}

let sampleReceipt = BatchReceipt(
    batch: 9,
    receipt: Receipt(
        accepted: 1001, duplicates: 20,
        exceptions: [
            Exception(index: 3, fault: Fault(.amount, .conflict)),
            Exception(index: 4, fault: Fault(.flags, .reservedBits)),
            Exception(index: 1023, fault: Fault(.source, .foreignSource)),
        ],
        firstSequence: 77_001, chain: ChainHead(sequence: 78_000, digest: (0..<32).map { UInt8($0) })))

let sampleWelcome = Welcome(
    limits: SessionLimits(windowBatches: 3, openRequests: 2), ledgerID: 0x0123_4567_89AB_CDEF,
    sourceCodes: [7, 0x8001, 0x8002], serverName: "sluice 1")

let sampleNames = [Name(.source, "shop"), Name(.region, "Đà Nẵng"), Name(.payee, String(repeating: "x", count: 255))]

/// One frame of every kind, with a payload where the kind has one.
let oneOfEach: [FrameKind: [UInt8]] = [
    .hello: frames { Hello(clientName: "gate", sources: [.code(7), .name("shop"), .name("chợ")]).encode(to: &$0) },
    .welcome: frames { sampleWelcome.encode(to: &$0) },
    .batch: batchFrame(number: 1, records: [sampleRecord(1), sampleRecord(2)]),
    .compressedBatch: compressedBatchFrame(number: 1, records: (1...40).map { sampleRecord($0) }),
    .receipt: frames { sampleReceipt.encode(to: &$0) },
    .refused: frames {
        RequestFailure(.diskFull, mayRetry: true, "no space left").encodeRefused(batch: 1, to: &$0)
    },
    .names: frames { NamesRequest(number: 4, names: sampleNames).encode(to: &$0) },
    .codes: frames { CodesAnswer(number: 4, codes: [1, 0x8000_0001, 3]).encode(to: &$0) },
    .accounts: frames {
        AccountsRequest(number: 5, accounts: [[1], [UInt8](repeating: 2, count: 64)]).encode(to: &$0)
    },
    .datedAccounts: frames { DatedAccountsRequest(number: 5, accounts: sampleDatedAccounts).encode(to: &$0) },
    .tokens: frames { TokensAnswer(number: 5, tokens: [1, 0xFFFF_FFFF_FFFF]).encode(to: &$0) },
    .ping: frames { $0.ping(6) },
    .pong: frames { $0.pong(6) },
    .goodbye: frames { $0.goodbye() },
    .error: frames { ProtocolFault(.outOfOrder, "batch 3 came").encode(to: &$0) },
    .query: frames { Query(number: 7, bytes: Array("{}".utf8)).encode(to: &$0) },
    .answer: frames { AnswerPart.encode(Array("[1]".utf8), request: 7, to: &$0) },
    .credentials: frames { Credentials(token: Array("sluice_secret".utf8)).encode(to: &$0) },
    .failed: frames { RequestFailure(.notAllowed, mayRetry: false, "not here").encodeFailed(request: 7, to: &$0) },
]

let sampleDatedAccounts: AccountNumbers = {
    var accounts = AccountNumbers()
    accounts.append([1], on: CalendarDay(daysSince1970: 20_000))
    accounts.append([UInt8](repeating: 2, count: 64), on: CalendarDay(daysSince1970: -1))
    return accounts
}()
