import Locks
import RingBuffer
import Rollups
import Storage
import Transactions

/// Adds up the chunks of a catalogue that a question needs, of each chunk the columns that it needs.
///
/// The caller's thread reads, as a catalogue is used by one at a time, and other threads decode and add up what was read, each
/// in a builder of its own. Where they are behind, the reader helps.
struct StoredStatistics {
    let catalogue: Catalogue
    let rollup: String
    let days: ClosedRange<CalendarDay>
    let machine: any Machine
    let threadCount: Int

    /// Fewer days are not worth a thread.
    private static let fewestDays = 32

    /// - Throws: `CatalogueError` when a chunk is not what it should be.
    func add(to builder: inout AnswerBuilder) throws {
        let isWorthThreads = days.upperBound.daysSince1970 - days.lowerBound.daysSince1970 >= Self.fewestDays
        let builders =
            try [builder]
            + (1..<(isWorthThreads ? threadCount : 1)).map { _ in
                try AnswerBuilder(builder.question)
            }
        let bell = builders.count > 1 ? machine.makeDoorbell() : Doorbell()
        let work = ChunkWork(catalogue, rollup: rollup, days: days, builders, bell: bell)
        onThreads(builders.count, of: machine) { $0 == 0 ? work.read() : work.addUntilAllIsRead(by: $0) }
        if let failure = work.failure { throw failure }
        builder = work.builders[0]
        for other in work.builders.dropFirst() { builder.add(other) }
    }
}

/// Chunks on their way from the catalogue to the builders. The catalogue and the first builder are the reader's, each other
/// builder is one thread's.
private final class ChunkWork: @unchecked Sendable {
    /// As much of a chunk as the question needs.
    private struct Piece {
        var place: RollupChunk.Place
        var bytes: UnsafeMutableRawBufferPointer
        var usedByteCount: Int
        var wholeByteCount: Int
    }

    private struct State: @unchecked Sendable {
        var waiting: [Piece] = []
        var free: [UnsafeMutableRawBufferPointer] = []
        var isAllRead = false
        var failure: (any Error)?
    }

    /// More than these do not wait: the reader adds them itself.
    private static let mostWaiting = 16

    private let catalogue: Catalogue
    private let rollup: String
    private let days: ClosedRange<CalendarDay>
    /// A question about days; others may have the sums of whole months.
    private let tellsDaysApart: Bool
    private let bell: Doorbell
    private let state = Lock(State())
    private let slots: UnsafeMutableBufferPointer<AnswerBuilder>
    /// Valid when all threads are done.
    var builders: [AnswerBuilder] { Array(slots) }
    var failure: (any Error)? { state.withLock { $0.failure } }

    init(
        _ catalogue: Catalogue, rollup: String, days: ClosedRange<CalendarDay>, _ builders: [AnswerBuilder],
        bell: Doorbell
    ) {
        (self.catalogue, self.rollup, self.days, self.bell) = (catalogue, rollup, days, bell)
        tellsDaysApart = builders[0].question.tellsDaysApart
        slots = .allocate(capacity: builders.count)
        _ = slots.initialize(from: builders)
    }

    deinit {
        slots.deinitialize().deallocate()
        state.withLock { for buffer in $0.free + $0.waiting.map(\.bytes) { buffer.deallocate() } }
    }

    /// Reads all chunks, hands them over, and helps in the end.
    func read() {
        do {
            try catalogue.forEachChunk(rollup: rollup, days: days, inMonths: !tellsDaysApart) { stored in
                if let failure { throw failure }
                let piece = try read(stored)
                let isTaken =
                    slots.count > 1
                    && state.withLock { state in
                        guard state.waiting.count < ChunkWork.mostWaiting else { return false }
                        state.waiting.append(piece)
                        return true
                    }
                if isTaken { bell.ring() } else { try add(piece, by: 0) }
            }
        } catch {
            fail(error)
        }
        state.withLock { $0.isAllRead = true }
        bell.ring()
        addUntilAllIsRead(by: 0)
    }

    /// Adds what was read, until there is nothing more.
    func addUntilAllIsRead(by number: Int) {
        while true {
            var next: Piece?
            _ = bell.wait {
                state.withLock { state in
                    next = state.failure == nil ? state.waiting.popLast() : nil
                    return next != nil || state.isAllRead || state.failure != nil
                }
            }
            guard let piece = next else { return }
            do { try add(piece, by: number) } catch { fail(error) }
        }
    }

    /// The beginning of a chunk, up to the last column that the question needs.
    private func read(_ stored: Catalogue.StoredChunk) throws -> Piece {
        let place = RollupChunk.Place(rollup: rollup, day: stored.day, sequences: stored.sequences)
        var bytes = state.withLock { $0.free.popLast() } ?? .allocate(byteCount: 1 << 16, alignment: 8)
        var isRead = false
        defer { if !isRead { state.withLock { $0.free.append(bytes) } } }
        let headerByteCount = min(stored.byteCount, RollupChunk.largestHeaderByteCount)
        try stored.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<headerByteCount]), at: 0)
        let header = UnsafeRawBufferPointer(rebasing: bytes[..<headerByteCount])
        let needed = try naming(place) { () throws(RollupError) in
            try slots[0].neededByteCount(header: header, of: stored.byteCount)
        }
        if needed > bytes.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: needed, alignment: 8)
            larger.copyMemory(from: header)
            bytes.deallocate()
            bytes = larger
        }
        if needed > headerByteCount {
            try stored.read(
                into: UnsafeMutableRawBufferPointer(rebasing: bytes[headerByteCount..<needed]), at: headerByteCount)
        }
        isRead = true
        return Piece(
            place: place, bytes: bytes, usedByteCount: max(needed, headerByteCount), wholeByteCount: stored.byteCount)
    }

    private func add(_ piece: Piece, by number: Int) throws {
        defer { state.withLock { $0.free.append(piece.bytes) } }
        let used = UnsafeRawBufferPointer(rebasing: piece.bytes[..<piece.usedByteCount])
        let found = try naming(piece.place) { () throws(RollupError) in
            try slots[number].add(encoded: used, of: piece.wholeByteCount)
        }
        try piece.place.check(found, of: catalogue.path)
    }

    private func naming<Result>(
        _ place: RollupChunk.Place, _ body: () throws(RollupError) -> Result
    ) throws(CatalogueError) -> Result {
        do {
            return try body()
        } catch {
            throw .damaged(path: catalogue.path, "\(place): \(error)")
        }
    }

    private func fail(_ error: any Error) {
        state.withLock { $0.failure = $0.failure ?? error }
        bell.ring()
    }
}
