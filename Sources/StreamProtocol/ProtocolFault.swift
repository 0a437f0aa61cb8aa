/// What is wrong with what came over the wire: the content of an error frame, after which the connection is closed.
public struct ProtocolFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of fault it is. The raw value is the code in error frames.
    public enum Code: UInt16, CaseIterable, Sendable {
        /// The frame does not begin with `SLUI`.
        case wrongMagic = 1
        /// The version of the protocol is not spoken here.
        case unsupportedVersion = 2
        /// The header's checksum does not match.
        case headerChecksum = 3
        /// The payload's checksum does not match.
        case payloadChecksum = 4
        /// There is no such kind of frame.
        case unknownKind = 5
        /// Length, count, number or flags of the header are not what the kind requires.
        case wrongShape = 6
        /// The payload's content is not what the kind requires.
        case malformedPayload = 7
        /// The frame may not come now, or not from this side.
        case unexpectedFrame = 8
        /// The number of a batch, or of its answer, is not the next one.
        case outOfOrder = 9
        /// More batches or requests are open than the welcome allows.
        case windowExceeded = 10
        /// A source of the hello cannot be had.
        case refusedSource = 11
        /// Nothing, or no whole frame, came for longer than the idle time-out.
        case idle = 12
        /// The server has as many connections as it may have.
        case tooManyConnections = 13
        /// The server stops and waits no longer.
        case closing = 14
        /// The credentials are missing, not known or not valid any more, or do not allow what was asked for.
        case refusedCredentials = 15

        /// True when the same client may simply connect again and go on.
        public var isTransient: Bool { self == .idle || self == .tooManyConnections || self == .closing }
    }

    /// What kind of fault it is.
    public var code: Code
    /// What was found and what was expected.
    public var text: String
    /// The kind byte of the frame at fault; 0: no frame, or none that could be read.
    public var kind: UInt8 = 0
    /// The number of the frame at fault; 0 when it has none.
    public var number: UInt64 = 0
    /// How many bytes the connection carried in that direction before the frame at fault.
    public var streamOffset: UInt64 = 0

    /// A fault without a place.
    public init(_ code: Code, _ text: String) {
        self.code = code
        self.text = text
    }

    /// The same fault, placed at `frame`.
    func at(_ frame: Frame) -> ProtocolFault {
        var fault = self
        fault.kind = frame.header.kind.rawValue
        fault.number = frame.header.number
        fault.streamOffset = frame.streamOffset
        return fault
    }

    /// Code, place and text.
    public var description: String {
        let name = FrameKind(rawValue: kind).map { "\($0) frame" } ?? "frame"
        let which = number == 0 ? "" : " \(number)"
        return "\(name)\(which) at byte \(streamOffset): \(text)"
    }
}
