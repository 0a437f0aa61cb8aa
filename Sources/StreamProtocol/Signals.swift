import Transactions

// Frames that say one thing.

extension FrameEncoder {
    /// Adds a ping; the pong carries the same number.
    public mutating func ping(_ number: UInt64) { frame(.ping, number: number) }
    /// Adds the answer to ping `number`.
    public mutating func pong(_ number: UInt64) { frame(.pong, number: number) }
    /// Adds a goodbye.
    public mutating func goodbye() { frame(.goodbye) }
}

extension ProtocolFault {
    init(_ frame: Frame) throws(ProtocolFault) {
        var payload = PayloadReader(frame.payload)
        let code = try payload.integer(UInt16.self, "code")
        let kind = try payload.integer(UInt8.self, "kind")
        try payload.zeros(1, "reserved byte")
        let byteCount = try payload.integer(UInt16.self, "length of the text")
        try payload.zeros(2, "reserved bytes")
        let streamOffset = try payload.integer(UInt64.self, "place in the stream")
        let text = try payload.message(Int(byteCount))
        try payload.end()
        guard let code = Code(rawValue: code) else {
            throw ProtocolFault(.malformedPayload, "the error code \(code) is not known")
        }
        self.init(code, text)
        self.kind = kind
        self.number = frame.header.number
        self.streamOffset = streamOffset
    }

    /// Adds the error frame.
    public func encode(to encoder: inout FrameEncoder) {
        let text = text.prefix(utf8ByteCount: Wire.longestTextByteCount)
        encoder.frame(.error, number: number) { payload in
            payload.integer(code.rawValue)
            payload.integer(kind)
            payload.integer(UInt8(0))
            payload.integer(UInt16(text.utf8.count))
            payload.integer(UInt16(0))
            payload.integer(streamOffset)
            payload.append(text.utf8)
        }
    }
}
