import StreamProtocol

/// A request that has no answer yet. Asking again does no harm, so it is sent again after a loss.
final class ClientRequest {
    /// What a request is answered with.
    enum Reply: Sendable {
        case codes([UInt32])
        case tokens([UInt64])
        case bytes([UInt8])
    }

    let number: UInt64
    let frame: [UInt8]
    var isSent = false
    private var parts: [UInt8] = []
    private var nextPart = 0
    private let completion: @Sendable (Result<Reply, ClientError>) -> Void

    init(number: UInt64, frame: [UInt8], completion: @escaping @Sendable (Result<Reply, ClientError>) -> Void) {
        self.number = number
        self.frame = frame
        self.completion = completion
    }

    func complete(_ result: Result<Reply, ClientError>) { completion(result) }

    /// The connection was lost: begin anew.
    func reset() {
        isSent = false
        parts = []
        nextPart = 0
    }

    /// Adds a part; the whole answer after the last one.
    func take(_ part: AnswerPart) throws(ProtocolFault) -> [UInt8]? {
        guard part.part == nextPart else {
            throw ProtocolFault(.outOfOrder, "part \(part.part) of answer \(number) came, expected part \(nextPart)")
        }
        parts += part.bytes
        nextPart += 1
        return part.isLast ? parts : nil
    }
}
