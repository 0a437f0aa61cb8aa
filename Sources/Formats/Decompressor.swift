import CLZ4
import CZlib

/// Expands a stream of compressed bytes piece by piece: what is asked for is made, and no more, so that a small input which
/// would become a large one is noticed by whoever counts the pieces.
public final class Decompressor {
    /// How bytes are compressed.
    public enum Encoding: String, CaseIterable, Sendable {
        /// RFC 1952; several members in a row are one stream.
        case gzip
        /// LZ4 Frame Format 1.6; several frames in a row are one stream.
        case lz4

        /// Memory that expanding takes, in bytes, at most: gzip's window is 32 KiB, LZ4's largest block 4 MiB, and two of
        /// those are kept.
        public var memoryByteCount: Int {
            switch self {
            case .gzip: 64 << 10
            case .lz4: 9 << 20
            }
        }
    }

    private let encoding: Encoding
    private let stream: any ByteExpander
    private var input: [UInt8] = []
    private var consumed = 0
    /// Bytes before `input`.
    private var streamOffset = 0

    /// The most bytes of a piece.
    public static let pieceByteCount = 64 << 10

    /// A stream that begins.
    public init(_ encoding: Encoding) {
        self.encoding = encoding
        stream =
            switch encoding {
            case .gzip: GzipExpander()
            case .lz4: LZ4Expander()
            }
    }

    /// Adds compressed bytes; all that came before must have been taken out.
    public func add(_ bytes: some Collection<UInt8>) {
        precondition(consumed == input.count, "what came before is expanded first")
        streamOffset += input.count
        input = Array(bytes)
        consumed = 0
    }

    /// The next piece of what was added; nil when more has to be added for one.
    /// - Throws: the place at which the bytes are no such stream.
    public func next() throws(FormatError) -> [UInt8]? {
        while true {
            var fault: String?
            let piece = [UInt8](unsafeUninitializedCapacity: Decompressor.pieceByteCount) { room, count in
                input[consumed...].withUnsafeBytes { bytes in
                    let step = stream.expand(bytes, into: UnsafeMutableRawBufferPointer(room))
                    consumed += step.read
                    count = step.written
                    fault = step.fault
                }
            }
            if let fault { throw FormatError("\(encoding.rawValue): \(fault) at byte \(streamOffset + consumed)") }
            if !piece.isEmpty { return piece }
            if consumed == input.count { return nil }
        }
    }

    /// Takes note of the end.
    /// - Throws: when the stream is not at an end of its own.
    public func finish() throws(FormatError) {
        guard stream.isAtEnd, consumed == input.count else {
            throw FormatError("\(encoding.rawValue): the stream breaks off after \(streamOffset + consumed) bytes")
        }
    }
}

/// What one step of expanding did.
private struct ExpansionStep {
    var read = 0
    var written = 0
    var fault: String?
}

private protocol ByteExpander: AnyObject {
    /// True between two members or frames, and before the first only when nothing came.
    var isAtEnd: Bool { get }
    /// Reads from `bytes` and writes to `room`, both as far as it goes; with input it does one of both.
    func expand(_ bytes: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> ExpansionStep
}

private final class GzipExpander: ByteExpander {
    private var stream = z_stream()
    private(set) var isAtEnd = false

    init() {
        // 16 beside the window of 2^15: a gzip header and nothing else.
        let status = inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib: \(status)")
    }

    deinit { inflateEnd(&stream) }

    func expand(_ bytes: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> ExpansionStep {
        if isAtEnd {
            guard !bytes.isEmpty else { return ExpansionStep() }
            inflateReset(&stream)
            isAtEnd = false
        }
        stream.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
        stream.avail_in = UInt32(bytes.count)
        stream.next_out = room.bindMemory(to: UInt8.self).baseAddress
        stream.avail_out = UInt32(room.count)
        let status = inflate(&stream, Z_NO_FLUSH)
        var step = ExpansionStep(read: bytes.count - Int(stream.avail_in), written: room.count - Int(stream.avail_out))
        switch status {
        case Z_STREAM_END: isAtEnd = true
        case Z_OK, Z_BUF_ERROR: break
        default: step.fault = stream.msg.map { String(cString: $0) } ?? "zlib error \(status)"
        }
        return step
    }
}

private final class LZ4Expander: ByteExpander {
    private var context: OpaquePointer?
    private(set) var isAtEnd = false

    init() {
        let status = LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
        precondition(LZ4F_isError(status) == 0, "no memory for LZ4")
    }

    deinit { LZ4F_freeDecompressionContext(context) }

    func expand(_ bytes: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> ExpansionStep {
        var (read, written) = (bytes.count, room.count)
        let hint = LZ4F_decompress(context, room.baseAddress, &written, bytes.baseAddress, &read, nil)
        guard LZ4F_isError(hint) == 0 else {
            return ExpansionStep(fault: String(cString: LZ4F_getErrorName(hint)))
        }
        if read > 0 || written > 0 { isAtEnd = hint == 0 }
        return ExpansionStep(read: read, written: written)
    }
}
