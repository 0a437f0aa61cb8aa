import StreamProtocol
import Transactions

// A spill file, all integers little-endian:
//
//   offset  size   header
//        0     8   the bytes "SLUISPIL"
//        8     4   version, 1
//       12     4   sources, n
//       16     8   ledger, from the welcome
//       24     4   zero
//       28     4   CRC-32C of bytes 0 to 27 and of the sources
//       32  2 x n  codes of the sources, from the welcome; zeros up to a multiple of 8
//
//   then batches, each:
//        0     4   the bytes "BTCH"
//        4     4   records
//        8     4   bytes of the payload, a multiple of 8
//       12     4   CRC-32C of the payload
//       16     8   number of the batch in the client that sent it
//       24     4   zero
//       28     4   CRC-32C of bytes 0 to 27
//       32         the payload of the batch's frame: records, or compressed ones where these are fewer bytes than 64 a record

/// For whom the batches of a spill file are.
struct SpillAddressee: Hashable, Sendable {
    var ledgerID: UInt64
    var sourceCodes: [UInt16]

    private static let magic = Array("SLUISPIL".utf8)
    private static let version: UInt32 = 1

    var header: [UInt8] {
        var head = SpillAddressee.magic
        append(SpillAddressee.version, to: &head)
        append(UInt32(sourceCodes.count), to: &head)
        append(ledgerID, to: &head)
        append(UInt32(0), to: &head)
        var codes: [UInt8] = []
        for code in sourceCodes { append(code, to: &codes) }
        codes += [UInt8](repeating: 0, count: -codes.count & 7)
        append(checksum(head + codes), to: &head)
        return head + codes
    }

    /// Reads a header; nil when there is none. With it how many bytes it has.
    init?(_ bytes: UnsafeRawBufferPointer, byteCount: inout Int) {
        guard bytes.count >= 32, bytes.prefix(8).elementsEqual(SpillAddressee.magic),
            integer(bytes, 8, UInt32.self) == SpillAddressee.version
        else { return nil }
        let count = Int(integer(bytes, 12, UInt32.self))
        guard count <= Wire.mostItems else { return nil }
        let end = 32 + (2 * count + 7) & ~7
        guard bytes.count >= end,
            integer(bytes, 28, UInt32.self) == checksum(Array(bytes[0..<28]) + Array(bytes[32..<end]))
        else { return nil }
        ledgerID = integer(bytes, 16, UInt64.self)
        sourceCodes = (0..<count).map { integer(bytes, 32 + 2 * $0, UInt16.self) }
        byteCount = end
    }

    init(ledgerID: UInt64, sourceCodes: [UInt16]) {
        self.ledgerID = ledgerID
        self.sourceCodes = sourceCodes
    }
}

/// What stands before the payload of a batch in a spill file.
struct SpillEntryHeader: Hashable, Sendable {
    static let byteCount = 32
    static let largestEntryByteCount = byteCount + Wire.largestPayloadByteCount
    private static let magic = Array("BTCH".utf8)

    var recordCount: Int
    var payloadByteCount: Int
    var payloadChecksum: UInt32
    var number: UInt64

    var bytes: [UInt8] {
        var bytes = SpillEntryHeader.magic
        append(UInt32(recordCount), to: &bytes)
        append(UInt32(payloadByteCount), to: &bytes)
        append(payloadChecksum, to: &bytes)
        append(number, to: &bytes)
        append(UInt32(0), to: &bytes)
        append(checksum(bytes), to: &bytes)
        return bytes
    }
}

extension SpillEntryHeader {
    /// Reads a header; nil when there is none.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= SpillEntryHeader.byteCount, bytes.prefix(4).elementsEqual(SpillEntryHeader.magic),
            integer(bytes, 28, UInt32.self) == checksum(Array(bytes[0..<28]))
        else { return nil }
        recordCount = Int(integer(bytes, 4, UInt32.self))
        payloadByteCount = Int(integer(bytes, 8, UInt32.self))
        payloadChecksum = integer(bytes, 12, UInt32.self)
        number = integer(bytes, 16, UInt64.self)
        guard (1...Wire.mostRecordsPerBatch).contains(recordCount), payloadByteCount % 8 == 0,
            (8...recordCount * Record.byteCount).contains(payloadByteCount)
        else { return nil }
    }
}

/// What is in a spill file that its process may have died over.
struct SpillScan {
    var addressee: SpillAddressee?
    var batchCount = 0
    var recordCount = 0
    /// Bytes up to which all is whole.
    var wholeByteCount = 0
    /// Why it ends there; nil at the end of the file.
    var stop: String?
    /// True when a whole batch lies behind the place where it ends: that is no last write torn by a crash.
    var hasMoreBehind = false

    init(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        guard let addressee = SpillAddressee(bytes, byteCount: &offset) else {
            stop = "there is no header"
            hasMoreBehind = SpillScan.hasBatch(bytes, from: 0)
            return
        }
        self.addressee = addressee
        while offset < bytes.count {
            guard let next = SpillScan.batch(bytes, at: offset) else {
                stop = "there is no whole batch"
                hasMoreBehind = SpillScan.hasBatch(bytes, from: offset + 8)
                break
            }
            batchCount += 1
            recordCount += next.recordCount
            offset += SpillEntryHeader.byteCount + next.payloadByteCount
        }
        wholeByteCount = offset
    }

    /// The whole batch at a place.
    private static func batch(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> SpillEntryHeader? {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        guard let header = SpillEntryHeader(rest),
            rest.count >= SpillEntryHeader.byteCount + header.payloadByteCount
        else { return nil }
        let payload = UnsafeRawBufferPointer(
            rebasing: rest[SpillEntryHeader.byteCount...].prefix(header.payloadByteCount))
        return checksum32C(payload) == header.payloadChecksum ? header : nil
    }

    /// Batches begin at multiples of 8.
    private static func hasBatch(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
        stride(from: start, to: bytes.count, by: 8).contains { batch(bytes, at: $0) != nil }
    }
}

private func append<T: FixedWidthInteger>(_ value: T, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
}

private func integer<T: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _ offset: Int, _ type: T.Type
) -> T {
    T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
}

private func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { checksum32C($0) } }
