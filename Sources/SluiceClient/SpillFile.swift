import Glibc
import NIOCore
import StreamProtocol

/// One file of a spill. It is open as long as this is there; calls block.
final class SpillFile {
    let path: String
    /// Place among the files of the directory.
    let number: Int
    private let descriptor: Int32
    /// For whom it is; nil in a file that has no header.
    private(set) var addressee: SpillAddressee?
    /// Bytes that are whole.
    private(set) var byteCount: Int
    /// The keys of its batches; those of one that is being written may have gaps.
    private(set) var keys: ClosedRange<Int64>?
    /// Batches, and how many of them have their answer.
    private(set) var batchCount = 0
    var answeredCount = 0
    /// True when an earlier client wrote it, so that its batches have no numbers in this one.
    let isLeftover: Bool

    static let suffix = ".spill"

    static func path(_ directory: String, _ number: Int) -> String {
        let digits = String(number)
        return "\(directory)/\(String(repeating: "0", count: max(0, 12 - digits.count)))\(digits)\(suffix)"
    }

    /// Makes a new file with a header.
    init(creating path: String, number: Int, for addressee: SpillAddressee) throws(SpillFault) {
        self.path = path
        self.number = number
        isLeftover = false
        byteCount = 0
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw systemFault(path) }
        self.addressee = addressee
        let header = addressee.header
        do throws(SpillFault) {
            try write(header, at: 0)
            byteCount = header.count
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Opens what an earlier client left.
    init(opening path: String, number: Int) throws(SpillFault) {
        self.path = path
        self.number = number
        isLeftover = true
        byteCount = 0
        descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemFault(path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw systemFault(path) }
        byteCount = Int(status.st_size)
    }

    deinit { close(descriptor) }

    var isAnswered: Bool { answeredCount == batchCount }
    /// Where its batches begin.
    var headerByteCount: Int { addressee?.header.count ?? 0 }

    /// Reads all of it.
    func scan() throws(SpillFault) -> SpillScan {
        try bytes(byteCount, at: 0).withUnsafeBytes { SpillScan($0) }
    }

    /// Takes its batches in under the keys that end before `end`, and cuts off what is not whole.
    func adopt(_ scan: SpillScan, keysBefore end: Int64) throws(SpillFault) {
        if scan.wholeByteCount < byteCount {
            guard ftruncate(descriptor, off_t(scan.wholeByteCount)) == 0 else { throw systemFault(path) }
            byteCount = scan.wholeByteCount
        }
        addressee = scan.addressee
        batchCount = scan.batchCount
        if batchCount > 0 { keys = end - Int64(batchCount)...end - 1 }
    }

    /// Adds a batch; nothing of it stays when that fails.
    func append(_ entry: SpillEntry) throws(SpillFault) {
        var bytes = entry.header.bytes
        entry.payload.withUnsafeReadableBytes { bytes += $0 }
        do throws(SpillFault) {
            try write(bytes, at: byteCount)
        } catch {
            ftruncate(descriptor, off_t(byteCount))
            throw error
        }
        byteCount += bytes.count
        batchCount += 1
        keys = (keys?.lowerBound ?? entry.key)...entry.key
    }

    /// Makes what was added durable.
    func flush() throws(SpillFault) {
        guard fdatasync(descriptor) == 0 else { throw systemFault(path) }
    }

    /// Reads the batch at `offset` into a slot, as the frame that is to be sent; moves on behind it.
    func read(into slot: BatchSlot, at offset: inout Int) throws(SpillFault) {
        let head = try bytes(SpillEntryHeader.byteCount, at: offset)
        guard let header = head.withUnsafeBytes({ SpillEntryHeader($0) }) else {
            throw .damaged(path: path, offset: offset, reason: "there is no batch any more")
        }
        let start = Wire.headerByteCount
        slot.frame.clear()
        slot.frame.writeRepeatingByte(0, count: start + header.payloadByteCount)
        let payloadOffset = offset + SpillEntryHeader.byteCount
        let (fault, checksum) = slot.frame.withUnsafeMutableReadableBytes { frame in
            let payload = UnsafeMutableRawBufferPointer(rebasing: frame[start...])
            return (fill(payload, from: payloadOffset), checksum32C(UnsafeRawBufferPointer(payload)))
        }
        if let fault { throw fault }
        guard checksum == header.payloadChecksum else {
            throw .damaged(path: path, offset: offset, reason: "the batch's checksum is wrong")
        }
        slot.recordCount = header.recordCount
        slot.payloadByteCount = header.payloadByteCount
        slot.payloadChecksum = header.payloadChecksum
        slot.number = isLeftover ? 0 : header.number
        slot.sendCount = 0
        offset = payloadOffset + header.payloadByteCount
    }

    private func bytes(_ count: Int, at offset: Int) throws(SpillFault) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        if let fault = bytes.withUnsafeMutableBytes({ fill($0, from: offset) }) { throw fault }
        return bytes
    }

    private func fill(_ room: UnsafeMutableRawBufferPointer, from offset: Int) -> SpillFault? {
        var done = 0
        while done < room.count {
            let count = pread(descriptor, room.baseAddress! + done, room.count - done, off_t(offset + done))
            if count > 0 {
                done += count
            } else if count == 0 {
                return .damaged(path: path, offset: offset + done, reason: "the file ends there")
            } else if errno != EINTR {
                return systemFault(path)
            }
        }
        return nil
    }

    private func write(_ bytes: [UInt8], at offset: Int) throws(SpillFault) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + done, $0.count - done, off_t(offset + done))
            }
            if count > 0 { done += count } else if count == 0 || errno != EINTR { throw systemFault(path) }
        }
    }
}

/// What the system said last, about a path.
func systemFault(_ path: String) -> SpillFault { .failed(path: path, reason: String(cString: strerror(errno))) }
