import Formats
import Foundation

/// Bytes of an input that a reader is given at once. The memory is kept from one chunk to the next.
final class Chunk: @unchecked Sendable {
    private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 64)
    private(set) var count = 0

    deinit { memory.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    func removeAll() { count = 0 }

    func append(_ bytes: UnsafeRawBufferPointer) {
        let space = space(for: bytes.count)
        space.copyMemory(from: bytes)
        count += bytes.count
    }

    /// Takes in what `read` puts into `byteCount` bytes; it says how many that were.
    func append(_ byteCount: Int, _ read: (UnsafeMutableRawBufferPointer) throws -> Int) rethrows -> Int {
        let taken = try read(space(for: byteCount))
        count += taken
        return taken
    }

    /// Cuts the end off.
    func cut(at end: Int) -> [UInt8] {
        defer { count = end }
        return Array(bytes[end...])
    }

    private func space(for byteCount: Int) -> UnsafeMutableRawBufferPointer {
        if count + byteCount > memory.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(
                byteCount: max(count + byteCount, memory.count * 2), alignment: 64)
            larger.copyMemory(from: bytes)
            memory.deallocate()
            memory = larger
        }
        return UnsafeMutableRawBufferPointer(rebasing: memory[count..<count + byteCount])
    }
}

/// Cuts a file or stream into chunks that end with a row, as far as that can be told without reading the rows.
struct ChunkSource {
    /// Large enough that handing a chunk over costs nothing beside reading it, and small enough for a processor's cache.
    private static let byteCount = 256 << 10

    private let file: FileHandle
    private let name: String
    private let format: FileFormat
    private var rest: [UInt8] = []
    private var hasEnded = false

    init(_ file: FileHandle, name: String, format: FileFormat) {
        self.file = file
        self.name = name
        self.format = format
    }

    /// True when the next bytes are there, or the end is: `next` will not have to wait for whoever writes them.
    var isReadable: Bool {
        var descriptor = pollfd(fd: file.fileDescriptor, events: Int16(POLLIN), revents: 0)
        return hasEnded || poll(&descriptor, 1, 0) != 0
    }

    /// Takes the next rows in; false when there are none. Rows that are there do not wait for a chunk to be full.
    mutating func next(_ chunk: Chunk) throws -> Bool {
        chunk.removeAll()
        rest.withUnsafeBytes { chunk.append($0) }
        rest = []
        while true {
            if !hasEnded { hasEnded = try fill(chunk) == 0 }
            if hasEnded { return chunk.count > 0 }
            if chunk.count < ChunkSource.byteCount, isReadable { continue }
            let end = format.wholeRowByteCount(chunk.bytes)
            if end > 0 {
                rest = chunk.cut(at: end)
                return true
            }
            // No row may be that long: the reader says so.
            if chunk.count > RowReader.largestRowByteCount { return true }
        }
    }

    private func fill(_ chunk: Chunk) throws -> Int {
        let wanted = max(ChunkSource.byteCount - chunk.count, ChunkSource.byteCount / 4)
        return try chunk.append(wanted) { space in
            while true {
                let count = read(file.fileDescriptor, space.baseAddress, space.count)
                if count >= 0 { return count }
                guard errno == EINTR else {
                    throw InputOutputError("cannot read \(name): \(String(cString: strerror(errno)))")
                }
            }
        }
    }
}
