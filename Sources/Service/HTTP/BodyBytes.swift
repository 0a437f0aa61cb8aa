import Crypto
import Formats
import HTTPTypes
import Hummingbird
import NIOCore

/// The bytes of a request's body on their way to its reader: expanded when they are compressed, and counted into a fingerprint
/// when the request has an `Idempotency-Key`.
struct BodyBytes {
    private var decompressor: Decompressor?
    private var piece: ByteBuffer?
    private var hash: SHA256?
    /// Memory that expanding takes.
    let memoryByteCount: Int

    init(_ request: Request, isFingerprinted: Bool) throws(Problem) {
        let name = request.headers[.contentEncoding]?.lowercased() ?? "identity"
        if name == "identity" {
            memoryByteCount = 0
        } else {
            guard let encoding = Decompressor.Encoding(rawValue: name == "x-gzip" ? "gzip" : name) else {
                let known = Decompressor.Encoding.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem(.unknownFormat, "Content-Encoding '\(name)' was found; identity, \(known) are known")
            }
            memoryByteCount = encoding.memoryByteCount
            decompressor = Decompressor(encoding)
        }
        if isFingerprinted {
            var hash = SHA256()
            for part in [request.uri.description, request.headers[.contentType] ?? "", name] {
                hash.update(data: Array(part.utf8) + [0])
            }
            self.hash = hash
        }
    }

    /// Adds what came; all that came before must have been taken out.
    mutating func add(_ bytes: ByteBuffer) throws(FormatError) {
        bytes.withUnsafeReadableBytes { hash?.update(bufferPointer: $0) }
        if let decompressor {
            decompressor.add(bytes.readableBytesView)
        } else {
            piece = bytes
        }
    }

    /// The next piece of what the reader is to have.
    mutating func next() throws(FormatError) -> ByteBuffer? {
        guard let decompressor else { return piece.take() }
        return try decompressor.next().map { ByteBuffer(bytes: $0) }
    }

    /// Takes note of the body's end.
    func finish() throws(FormatError) { try decompressor?.finish() }

    /// What the request stands for, once it was read; nil when it was not asked for.
    func fingerprint() -> SHA256.Digest? { hash?.finalize() }
}
