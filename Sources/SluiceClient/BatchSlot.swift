import NIOCore
import StreamProtocol
import Transactions

/// A batch that was handed over and has no answer yet, as the frame that is written and, if need be, written again.
///
/// It has one user at a time, so it needs no lock: the sender fills it, the event loop sends it, and gives it back.
final class BatchSlot: @unchecked Sendable {
    var frame = ByteBuffer()
    var recordCount = 0
    /// Bytes of the payload; fewer than those of the records when it is compressed.
    var payloadByteCount = 0
    var payloadChecksum: UInt32 = 0
    var number: UInt64 = 0
    var sendCount = 0
    /// Room to compress in; empty until it is needed.
    var compressed: [UInt8] = []
    /// By which the spill knows the batch; nil when it does not lie there.
    var spillKey: Int64?
    /// True when it is one of those few in which batches go into the spill.
    let isSpare: Bool
    /// Why the batch could not be put into the spill.
    var spillFault: SpillFault?

    init(isSpare: Bool = false) { self.isSpare = isSpare }

    /// The header of the frame, under the number that the batch has on its connection.
    func header(number: UInt64) -> FrameHeader {
        if payloadByteCount == recordCount * Record.byteCount {
            return .batch(number: number, count: recordCount, payloadChecksum: payloadChecksum)
        }
        return .compressedBatch(
            number: number, count: recordCount, payloadByteCount: payloadByteCount, payloadChecksum: payloadChecksum)
    }
}
