import NIOCore
import Synchronization

/// The buffers that connections read into, shared by all: a connection has one only while what it read is being worked off.
///
/// NIO keeps a buffer for each connection, which is the fastest for few and too much for ten thousand: a client would only
/// have to send a lot once. Here a large buffer comes back as soon as its bytes are worked off, and is still in the
/// processor's caches when the next connection reads.
///
/// With many connections buffers are smaller: all that they hold when each waits for room in the ring stays within `budget`.
final class ReceiveBuffers: Sendable {
    private let spare = Mutex<[ByteBuffer]>([])
    private let largestByteCount: Int
    private let registry: ConnectionRegistry

    private static let budget = 256 << 20
    private static let smallestByteCount = 16 * 1024
    private static let mostSpare = 8

    init(largestByteCount: Int, registry: ConnectionRegistry) {
        self.largestByteCount = largestByteCount
        self.registry = registry
    }

    private var byteCount: Int {
        let share = ReceiveBuffers.budget / max(1, registry.count)
        return min(largestByteCount, max(ReceiveBuffers.smallestByteCount, share))
    }

    fileprivate func take(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        let byteCount = byteCount
        guard var buffer = spare.withLock({ $0.popLast() }), (byteCount...2 * byteCount).contains(buffer.capacity)
        else {
            return allocator.buffer(capacity: byteCount)
        }
        buffer.clear()
        return buffer
    }

    /// Takes back a buffer whose bytes nobody needs any more.
    func giveBack(_ buffer: ByteBuffer) {
        guard buffer.capacity >= ReceiveBuffers.smallestByteCount else { return }
        spare.withLock { spare in
            if spare.count < ReceiveBuffers.mostSpare { spare.append(buffer) }
        }
    }

    /// What one connection is told to read into.
    struct Allocator: RecvByteBufferAllocator {
        let buffers: ReceiveBuffers
        private var hasRead = false

        init(_ buffers: ReceiveBuffers) { self.buffers = buffers }

        /// NIO keeps a connection's first buffer as long as the connection lives, so that one is small: a hello fits.
        private static let firstByteCount = 1024

        func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
            hasRead ? buffers.take(allocator) : allocator.buffer(capacity: Allocator.firstByteCount)
        }

        /// No hint, and "may grow": both keep NIO from reading into a buffer that it kept.
        func nextBufferSize() -> Int? { nil }

        mutating func record(actualReadBytes: Int) -> Bool {
            hasRead = true
            return true
        }
    }
}
