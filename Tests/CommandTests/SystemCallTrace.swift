import Foundation

/// What a trace of `strace -f -xx -yy` says about blocks, flushes and answers, in the order in which it was observed.
///
/// A call is seen twice, when it begins and when it returns: on one line, or as "unfinished" and "resumed" when calls of other
/// threads come between. strace holds a thread until it has noted its event, so that what caused another event is noted before it.
struct SystemCallTrace {
    /// A frame that left on a client's socket.
    struct Sent {
        /// The client's port.
        var port: Int
        var kind: UInt8
        var number: UInt64
        var payload: [UInt8]
        /// Every sequence up to here was durable when the call began.
        var durableSequence: UInt64
        /// So many of the blocks were flushed when the call began.
        var flushedBlocks: Int
    }

    /// Frames of the server in the order of their leaving.
    private(set) var sent: [Sent] = []
    /// The bytes of blocks in the order of their writing.
    private(set) var blocks: [[UInt8]] = []
    /// Flushes of the log that returned.
    private(set) var flushCount = 0

    private var durableSequence: UInt64 = 0
    private var flushedBlocks = 0
    /// Of each thread: the call that has begun and not returned.
    private var begun: [Substring: Substring] = [:]
    /// Of each thread in `fdatasync`: what had been written when it began.
    private var covered: [Substring: (sequence: UInt64, blocks: Int)] = [:]
    private var writtenSequence: UInt64 = 0

    init(_ text: String) {
        for line in text.split(separator: "\n") { read(line) }
    }

    private mutating func read(_ line: Substring) {
        let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2 else { return }
        let (thread, rest) = (parts[0], parts[1].drop { $0 == " " })
        if rest.hasPrefix("<... ") {
            guard let call = begun.removeValue(forKey: thread) else { return }
            returned(call, thread, isDone: !rest.contains(" = -1"))
        } else {
            begins(rest, thread)
            if rest.hasSuffix("<unfinished ...>") {
                begun[thread] = rest
            } else {
                returned(rest, thread, isDone: !rest.contains(" = -1"))
            }
        }
    }

    /// True when the descriptor, printed as `7<\x2f\x74...>`, is of the log.
    private func isOnLog(_ call: Substring) -> Bool {
        String(decoding: bytes(of: call.prefix { $0 != ">" }), as: UTF8.self).contains("/log/")
    }

    private mutating func begins(_ call: Substring, _ thread: Substring) {
        if call.hasPrefix("fdatasync("), isOnLog(call) {
            covered[thread] = (writtenSequence, blocks.count)
        } else if call.hasPrefix("write"), let port = clientPort(call) {
            for frame in frames(in: bytes(of: call)) {
                sent.append(
                    Sent(
                        port: port, kind: frame[5], number: integer(frame, 16), payload: Array(frame[32...]),
                        durableSequence: durableSequence, flushedBlocks: flushedBlocks))
            }
        }
    }

    private mutating func returned(_ call: Substring, _ thread: Substring, isDone: Bool) {
        guard isDone else { return }
        if call.hasPrefix("pwrite64("), isOnLog(call) {
            let block = bytes(of: call.drop { $0 != "\"" })
            guard block.count >= 136, block.starts(with: Array("SLBK".utf8)) else { return }
            blocks.append(block)
            writtenSequence = max(writtenSequence, integer(block, 40) + (integer(block, 12) & 0xFFFF_FFFF) - 1)
        } else if call.hasPrefix("fdatasync("), let cover = covered.removeValue(forKey: thread) {
            flushCount += 1
            durableSequence = max(durableSequence, cover.sequence)
            flushedBlocks = max(flushedBlocks, cover.blocks)
        }
    }

    /// The far port of a descriptor such as `17<TCP:[127.0.0.1:7501->127.0.0.1:40001]>`.
    private func clientPort(_ call: Substring) -> Int? {
        guard let start = call.range(of: "<TCP:["), let end = call[start.upperBound...].firstIndex(of: "]") else {
            return nil
        }
        return call[start.upperBound..<end].split(separator: ":").last.flatMap { Int($0) }
    }

    /// All bytes that a call prints as `"\x53\x4c"`, also of several buffers.
    private func bytes(of call: Substring) -> [UInt8] {
        var result: [UInt8] = []
        var digits = call.utf8.makeIterator()
        while let byte = digits.next() {
            guard byte == UInt8(ascii: "\\"), digits.next() == UInt8(ascii: "x"), let high = digits.next(),
                let low = digits.next()
            else { continue }
            result.append(UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16) ?? 0)
        }
        return result
    }

    private func frames(in bytes: [UInt8]) -> [[UInt8]] {
        var frames: [[UInt8]] = []
        var rest = bytes[...]
        while rest.count >= 32, rest.starts(with: [0x53, 0x4C, 0x55, 0x49, 1]) {
            let length = 32 + Int(integer(Array(rest.prefix(32)), 8) & 0xFFFF_FFFF)
            frames.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return frames
    }
}

/// Eight bytes, little-endian.
func integer(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
}
