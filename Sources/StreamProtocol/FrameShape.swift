import Transactions

/// What a kind of frame requires of its header. `docs/protocol.md` has the same table.
struct FrameShape {
    var payloadByteCounts: ClosedRange<Int> = 8...Wire.largestPayloadByteCount
    var counts: ClosedRange<Int> = 0...0
    var hasNumber = true
    var flags: ClosedRange<UInt16> = 0...0

    init(of kind: FrameKind) {
        switch kind {
        case .hello:
            hasNumber = false
            counts = 0...Wire.mostItems
        case .welcome:
            payloadByteCounts = 32...Wire.largestPayloadByteCount
            hasNumber = false
            counts = 0...Wire.mostItems
        case .batch:
            payloadByteCounts = Record.byteCount...Wire.mostRecordsPerBatch * Record.byteCount
            counts = 1...Wire.mostRecordsPerBatch
            flags = FrameHeader.batchFlags...FrameHeader.batchFlags
        case .compressedBatch:
            counts = 1...Wire.mostRecordsPerBatch
            flags = FrameHeader.batchFlags...FrameHeader.batchFlags
        case .receipt:
            payloadByteCounts = 64...64 + 4 * Wire.mostRecordsPerBatch
            counts = 0...Wire.mostRecordsPerBatch
        case .names, .codes, .accounts, .datedAccounts, .tokens:
            counts = 1...Wire.mostItems
        case .ping, .pong:
            payloadByteCounts = 0...0
        case .goodbye:
            payloadByteCounts = 0...0
            hasNumber = false
        case .refused, .failed:
            flags = 0...FrameHeader.mayRetryFlag
        case .answer:
            flags = 0...FrameHeader.lastPartFlag
            counts = 0...Int(UInt32.max)
        case .error:
            payloadByteCounts = 16...Wire.largestPayloadByteCount
        case .credentials:
            payloadByteCounts = 16...8 + Wire.mostCredentialBytes
            hasNumber = false
        case .query:
            break
        }
    }
}

extension FrameHeader {
    /// Checks length, count, number and flags against what the kind requires, before anything of the payload is kept.
    func checkShape() throws(ProtocolFault) {
        let shape = FrameShape(of: kind)
        guard payloadByteCount % 8 == 0, shape.payloadByteCounts.contains(payloadByteCount) else {
            let range = shape.payloadByteCounts
            throw fault("a payload of \(payloadByteCount) bytes, expected a multiple of 8 from \(range)")
        }
        guard shape.counts.contains(count) else { throw fault("a count of \(count), expected \(shape.counts)") }
        guard kind != .batch || payloadByteCount == count * Record.byteCount else {
            throw fault("a count of \(count) in \(payloadByteCount) bytes, expected \(Record.byteCount) bytes a record")
        }
        guard shape.hasNumber || number == 0 else { throw fault("number \(number), expected 0") }
        guard shape.flags.contains(flags) else {
            guard kind == .batch || kind == .compressedBatch else {
                throw fault("flags \(flags), expected \(shape.flags)")
            }
            throw fault(
                "records of version \(flags & 0xFF) with \(flags >> 8) bytes, expected version \(Record.version) with "
                    + "\(Record.byteCount) bytes")
        }
    }

    private func fault(_ text: String) -> ProtocolFault {
        var fault = ProtocolFault(.wrongShape, "the header states " + text)
        fault.kind = kind.rawValue
        fault.number = number
        return fault
    }
}
