import Glibc
import Storage
import Synchronization

/// An open file of a simulated disk.
final class SimulatedFile: StorageFile {
    let disk: SimulatedDisk
    let number: Int
    let path: String
    private let mayWrite: Bool

    init(disk: SimulatedDisk, number: Int, path: String, mayWrite: Bool) {
        self.disk = disk
        self.number = number
        self.path = path
        self.mayWrite = mayWrite
    }

    deinit { disk.live.withLock { $0.closeFile(number) } }

    func byteCount() throws(StorageError) -> Int {
        try disk.perform(.inspect, path) { live, _ in live.state.files[number]!.current.byteCount }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(StorageError) -> Int {
        try disk.perform(.read, path, offset: offset, byteCount: buffer.count) { live, fault in
            let count = live.state.files[number]!.current.read(into: buffer, at: offset)
            fault?.flipBits(in: buffer[..<count], at: offset)
            return count
        }
    }

    /// The bytes are copied: they stay as they are, whatever is written afterwards.
    func map(byteCount: Int, at offset: Int) throws(StorageError) -> MappedBytes {
        try disk.perform(.map, path, offset: offset, byteCount: byteCount) { live, fault in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 4096)
            let count = live.state.files[number]!.current.read(into: copy, at: offset)
            UnsafeMutableRawBufferPointer(rebasing: copy[count...]).initializeMemory(as: UInt8.self, repeating: 0)
            fault?.flipBits(in: copy[...], at: offset)
            return MappedBytes(UnsafeRawBufferPointer(copy)) { copy.deallocate() }
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError) {
        try disk.perform(.write, path, offset: offset, byteCount: bytes.count) { live, fault throws(StorageError) in
            guard mayWrite else { throw StorageError("write", path, EBADF) }
            var count = live.room(for: offset..<offset + bytes.count, of: number)
            var failure = count < bytes.count ? StorageError("write", path, ENOSPC) : nil
            if case .shortWrite(let byteCount, let errno) = fault {
                count = min(count, byteCount)
                failure = StorageError("write", path, errno)
            }
            live.state.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: number, at: offset)
            if let failure { throw failure }
        }
    }

    func synchronise() throws(StorageError) {
        try disk.perform(.synchronise, path, onError: { $0.state.failSynchronise(number) }) { live, _ in
            if !live.settings.ignoresFlushes { live.state.synchronise(number) }
        }
    }

    func secure(byteCount: Int, at offset: Int) throws(StorageError) {
        try disk.perform(.secure, path, offset: offset, byteCount: byteCount) { live, _ throws(StorageError) in
            guard live.room(for: offset..<offset + byteCount, of: number) == byteCount else {
                throw StorageError("secure space in", path, ENOSPC)
            }
            live.state.secure(number, to: offset + byteCount)
        }
    }

    func truncate(to byteCount: Int) throws(StorageError) {
        try disk.perform(.truncate, path, byteCount: byteCount) { live, _ throws(StorageError) in
            guard mayWrite else { throw StorageError("truncate", path, EBADF) }
            live.state.truncate(number, to: byteCount)
        }
    }
}

final class SimulatedLock: FileLock {
    private let disk: SimulatedDisk
    private let number: Int
    private let isHeld = Atomic<Bool>(true)

    init(disk: SimulatedDisk, number: Int) {
        self.disk = disk
        self.number = number
    }

    func release() {
        guard isHeld.exchange(false, ordering: .acquiringAndReleasing) else { return }
        disk.live.withLock { $0.unlock(number) }
    }

    deinit { release() }
}

extension SimulatedDisk.Live {
    func isOpen(_ file: Int) -> Bool { openCounts[file] != nil || locks[file] != nil }

    var occupiedByteCount: Int { state.occupiedByteCount(isOpen: isOpen) }

    /// How many bytes of a range the disk has room for, from its beginning on.
    func room(for range: Range<Int>, of file: Int) -> Int {
        guard let capacity = settings.capacityByteCount else { return range.count }
        let occupied = state.files[file]!.occupiedByteCount
        let free = max(0, capacity - occupiedByteCount)
        return max(0, min(range.upperBound, occupied + free) - range.lowerBound)
    }

    mutating func openFile(_ path: String, _ mode: OpenMode) throws(StorageError) -> Int {
        let known = try state.file(path)
        switch (mode, known) {
        case (.read, let known?), (.write, let known?): return known
        case (.replace, let known?):
            state.truncate(known, to: 0)
            return known
        case (.read, nil), (.write, nil): throw StorageError("open", path, ENOENT)
        case (.create, nil), (.createSecret, nil), (.replace, nil): return try state.createFile(path)
        case (.create, _), (.createSecret, _): throw StorageError("open", path, EEXIST)
        }
    }

    mutating func closeFile(_ number: Int) {
        openCounts[number]! -= 1
        guard openCounts[number] == 0 else { return }
        openCounts[number] = nil
        if state.files[number]?.isLinked == false { forgetUnreachable() }
    }

    mutating func unlock(_ number: Int) {
        let holders = locks[number]!
        locks[number] = holders > 1 ? holders - 1 : nil
    }

    mutating func forgetUnreachable() {
        let (openCounts, locks) = (openCounts, locks)
        state.forgetUnreachable { openCounts[$0] != nil || locks[$0] != nil }
    }
}

extension DiskFault {
    /// Flips the bits that a read of `bytes` at `offset` should see flipped.
    func flipBits(in bytes: Slice<UnsafeMutableRawBufferPointer>, at offset: Int) {
        guard case .flippedBits(let place, let mask) = self else { return }
        let index = bytes.startIndex + place - offset
        if bytes.indices.contains(index) { bytes.base[index] ^= mask }
    }
}

extension OpenMode {
    var mayWrite: Bool { if case .read = self { false } else { true } }
}

extension StorageError {
    init(_ operation: String, _ path: String, _ errno: Int32) {
        self.init(operation: operation, path: path, errno: errno, reason: String(cString: strerror(errno)))
    }
}
