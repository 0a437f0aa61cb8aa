/// Reads a payload field by field; every read is checked against the end.
struct PayloadReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ payload: UnsafeRawBufferPointer) { bytes = payload }

    mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(
        _ type: T.Type, _ what: StaticString
    ) throws(ProtocolFault) -> T {
        let start = try take(MemoryLayout<T>.size, what)
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: T.self))
    }

    mutating func bytes(_ count: Int, _ what: StaticString) throws(ProtocolFault) -> UnsafeRawBufferPointer {
        let start = try take(count, what)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
    }

    mutating func byteArray(_ count: Int, _ what: StaticString) throws(ProtocolFault) -> [UInt8] {
        Array(try bytes(count, what))
    }

    mutating func text(_ count: Int, _ what: StaticString) throws(ProtocolFault) -> String {
        let start = offset
        guard let text = String(validating: try byteArray(count, what), as: UTF8.self) else {
            throw ProtocolFault(.malformedPayload, "\(what) at payload byte \(start) is not UTF-8")
        }
        return text
    }

    /// The text of an error or a refusal.
    mutating func message(_ count: Int) throws(ProtocolFault) -> String {
        guard count <= Wire.longestTextByteCount else {
            throw ProtocolFault(
                .malformedPayload, "a text of \(count) bytes, expected at most \(Wire.longestTextByteCount)")
        }
        return try text(count, "text")
    }

    mutating func zeros(_ count: Int, _ what: StaticString) throws(ProtocolFault) {
        let start = try take(count, what)
        guard bytes[start..<start + count].allSatisfy({ $0 == 0 }) else {
            throw ProtocolFault(.malformedPayload, "\(what) at payload byte \(start) must be 0")
        }
    }

    /// What is left must be the zeros that fill the payload up to a multiple of 8.
    mutating func end() throws(ProtocolFault) {
        guard bytes.count - offset < 8 else {
            throw ProtocolFault(
                .malformedPayload, "\(bytes.count - offset) bytes are left over at payload byte \(offset)")
        }
        try zeros(bytes.count - offset, "padding")
    }

    private mutating func take(_ count: Int, _ what: StaticString) throws(ProtocolFault) -> Int {
        guard bytes.count - offset >= count else {
            throw ProtocolFault(
                .malformedPayload,
                "\(what) at payload byte \(offset) needs \(count) bytes, the payload has \(bytes.count)")
        }
        defer { offset += count }
        return offset
    }
}

/// Writes frames one after the other into one array.
public struct FrameEncoder: Sendable {
    /// The frames so far.
    public private(set) var bytes: [UInt8] = []

    /// No frames.
    public init() {}

    /// Forgets the frames and keeps the memory.
    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// Adds a frame: `body` appends its payload, which is then filled up to a multiple of 8, measured and summed.
    mutating func frame(
        _ kind: FrameKind, flags: UInt16 = 0, number: UInt64 = 0, count: Int = 0,
        body: (inout PayloadWriter) -> Void = { _ in }
    ) {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: Wire.headerByteCount))
        var payload = PayloadWriter(bytes: bytes)
        bytes = []
        body(&payload)
        bytes = payload.bytes
        bytes.append(contentsOf: repeatElement(0, count: -(bytes.count - start) & 7))
        bytes.withUnsafeMutableBytes { all in
            let frame = UnsafeMutableRawBufferPointer(rebasing: all[start...])
            let payload = UnsafeRawBufferPointer(rebasing: frame[Wire.headerByteCount...])
            FrameHeader(
                kind: kind, flags: flags, payloadByteCount: payload.count, payloadChecksum: checksum32C(payload),
                number: number, count: count
            ).encode(into: frame)
        }
    }
}

struct PayloadWriter {
    var bytes: [UInt8]

    mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ content: some Sequence<UInt8>) { bytes.append(contentsOf: content) }
}

extension String {
    /// At most `byteCount` bytes of UTF-8, cut before a character that would be split.
    func prefix(utf8ByteCount byteCount: Int) -> String {
        guard utf8.count > byteCount else { return self }
        var kept = Substring(self)
        while kept.utf8.count > byteCount { kept = kept.dropLast() }
        return String(kept)
    }
}
