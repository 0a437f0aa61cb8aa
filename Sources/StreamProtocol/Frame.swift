import CPlatform
import Transactions

/// The fixed beginning of every frame, 32 bytes, little-endian:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | magic, `SLUI` |
/// | 4 | 1 | version of the protocol |
/// | 5 | 1 | kind |
/// | 6 | 2 | flags |
/// | 8 | 4 | bytes of the payload, a multiple of 8 |
/// | 12 | 4 | CRC-32C of the payload |
/// | 16 | 8 | number |
/// | 24 | 4 | count |
/// | 28 | 4 | CRC-32C of bytes 0 to 27 |
public struct FrameHeader: Hashable, Sendable {
    /// What the frame is.
    public var kind: FrameKind
    /// Meaning by kind; bits without a meaning are 0.
    public var flags: UInt16
    /// Bytes of the payload, a multiple of 8.
    public var payloadByteCount: Int
    /// CRC-32C of the payload; 0 for an empty one.
    public var payloadChecksum: UInt32
    /// Which batch or request it is or answers.
    public var number: UInt64
    /// How many items the payload has.
    public var count: Int

    /// Bit 0 of an answer: no further part follows.
    public static let lastPartFlag: UInt16 = 1
    /// Bit 0 of refused and failed: the same may be sent again later.
    public static let mayRetryFlag: UInt16 = 1
    /// The flags of every batch: the record's version in the low byte, its length in the high one.
    public static let batchFlags = UInt16(Record.version) | UInt16(Record.byteCount) << 8

    /// The header of a batch of `count` records whose bytes have `payloadChecksum`.
    public static func batch(number: UInt64, count: Int, payloadChecksum: UInt32) -> FrameHeader {
        FrameHeader(
            kind: .batch, flags: batchFlags, payloadByteCount: count * Record.byteCount,
            payloadChecksum: payloadChecksum, number: number, count: count)
    }

    /// The header of a compressed batch of `count` records, whose payload has `payloadByteCount` bytes.
    public static func compressedBatch(
        number: UInt64, count: Int, payloadByteCount: Int, payloadChecksum: UInt32
    ) -> FrameHeader {
        FrameHeader(
            kind: .compressedBatch, flags: batchFlags, payloadByteCount: payloadByteCount,
            payloadChecksum: payloadChecksum, number: number, count: count)
    }

    /// Bytes of the whole frame.
    public var frameByteCount: Int { Wire.headerByteCount + payloadByteCount }

    /// Writes the 32 bytes.
    public func encode(into bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count >= Wire.headerByteCount)
        bytes.storeBytes(of: Wire.magic, as: UInt32.self)
        bytes[4] = Wire.version
        bytes[5] = kind.rawValue
        bytes.storeBytes(of: flags, toByteOffset: 6, as: UInt16.self)
        bytes.storeBytes(of: UInt32(payloadByteCount), toByteOffset: 8, as: UInt32.self)
        bytes.storeBytes(of: payloadChecksum, toByteOffset: 12, as: UInt32.self)
        bytes.storeBytes(of: number, toByteOffset: 16, as: UInt64.self)
        bytes.storeBytes(of: UInt32(count), toByteOffset: 24, as: UInt32.self)
        let checksum = checksum32C(UnsafeRawBufferPointer(rebasing: bytes[0..<28]))
        bytes.storeBytes(of: checksum, toByteOffset: 28, as: UInt32.self)
    }

    /// Reads and checks the 32 bytes at the start of `bytes`.
    ///
    /// Magic and version come before the checksum, so that another protocol, or a later version with another header, is
    /// told apart from damage.
    public init(decoding bytes: UnsafeRawBufferPointer) throws(ProtocolFault) {
        precondition(bytes.count >= Wire.headerByteCount)
        guard bytes.loadUnaligned(as: UInt32.self) == Wire.magic else {
            throw ProtocolFault(
                .wrongMagic, "begins with \(hexadecimal(bytes.prefix(4))), expected 534c5549; this is no Sluice stream")
        }
        guard bytes[4] == Wire.version else {
            throw ProtocolFault(
                .unsupportedVersion, "protocol version \(bytes[4]) is not spoken here, expected \(Wire.version)")
        }
        let stated = bytes.loadUnaligned(fromByteOffset: 28, as: UInt32.self)
        let found = checksum32C(UnsafeRawBufferPointer(rebasing: bytes[0..<28]))
        guard stated == found else {
            throw ProtocolFault(
                .headerChecksum,
                "the header states CRC-32C \(hexadecimal32(stated)) and has \(hexadecimal32(found))")
        }
        let number = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        guard let kind = FrameKind(rawValue: bytes[5]) else {
            throw ProtocolFault(
                .unknownKind, "kind \(bytes[5]) is not known, expected 1 to \(FrameKind.allCases.count)")
        }
        self.kind = kind
        self.flags = bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self)
        self.payloadByteCount = Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        self.payloadChecksum = bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
        self.number = number
        self.count = Int(bytes.loadUnaligned(fromByteOffset: 24, as: UInt32.self))
        try checkShape()
    }

    init(kind: FrameKind, flags: UInt16, payloadByteCount: Int, payloadChecksum: UInt32, number: UInt64, count: Int) {
        self.kind = kind
        self.flags = flags
        self.payloadByteCount = payloadByteCount
        self.payloadChecksum = payloadChecksum
        self.number = number
        self.count = count
    }
}

/// A whole frame as it lies in a receive buffer; valid until the next frame is asked for.
public struct Frame {
    /// The header, checked.
    public var header: FrameHeader
    /// The payload, its checksum checked. That of a batch is aligned to 8 bytes; that of a compressed one is expanded already:
    /// the records.
    public var payload: UnsafeRawBufferPointer
    /// How many bytes the connection carried before this frame.
    public var streamOffset: UInt64
}

/// CRC-32C (Castagnoli) of `bytes`.
public func checksum32C(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    bytes.isEmpty ? 0 : sluice_crc32c(0, bytes.baseAddress, bytes.count)
}

func hexadecimal32(_ value: UInt32) -> String {
    hexadecimal((0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) })
}
