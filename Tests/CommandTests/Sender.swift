import Chance
import Testing
import Transactions

/// A client that keeps what has no receipt yet and sends it again after a loss, and remembers what was receipted.
final class Sender {
    /// Batches without a receipt, in order.
    private(set) var pending: [[Record]] = []
    /// Records that a receipt confirmed.
    private(set) var receipted: [Record] = []
    /// Records that have come into being.
    private(set) var recordCount = 0
    private var random: SeededGenerator
    private var fresh: [Record] = []

    private static let window = 48

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// The next batch: new payments, and now and then some that were sent before.
    private func nextBatch() -> [Record] {
        let count = Int.random(in: 1...200, using: &random)
        var batch = (0..<count).map { payment(recordCount + $0 + 1) }
        recordCount += count
        if Int.random(in: 0..<5, using: &random) == 0, let old = (pending.last ?? []).randomElement(using: &random) {
            batch.append(old)
        }
        return batch
    }

    /// Sends what is pending, then new batches, until so many receipts have come or the daemon is gone.
    func stream(to daemon: Daemon, receipts goal: Int) async throws {
        let peer = try await StreamPeer.open(daemon)
        fresh = []
        var sent = 0
        var received = 0
        var number: UInt64 = 0
        do {
            while received < goal {
                while pending.count - sent > 0 || pending.count < Self.window {
                    if sent == pending.count { pending.append(nextBatch()) }
                    number += 1
                    sent += 1
                    try await peer.send(batchFrame(number, pending[sent - 1]))
                    let taken = try take(from: peer)
                    sent -= taken
                    received += taken
                    if received >= goal { break }
                }
                guard received < goal, let answer = try await peer.receive(), answer.kind != .goodbye else { break }
                try confirm(answer)
                sent -= 1
                received += 1
            }
        } catch is StreamPeer.Lost {}
        unread = peer
    }

    /// The connection as it was left, with answers that may not have been read.
    private var unread: StreamPeer?

    /// Takes the receipts that had left before the daemon was killed.
    func takeLastReceipts() throws {
        if let peer = unread { _ = try take(from: peer) }
        unread = nil
    }

    private func take(from peer: StreamPeer) throws -> Int {
        var count = 0
        // A daemon that was asked to end says goodbye, and answers what is still due.
        while let answer = try peer.poll() {
            if answer.kind == .goodbye { continue }
            try confirm(answer)
            count += 1
        }
        return count
    }

    private func confirm(_ answer: StreamPeer.Answer) throws {
        try #require(answer.kind == .receipt, "\(answer.kind)")
        let batch = pending.removeFirst()
        let counts = answer.counts
        #expect(counts.accepted + counts.duplicates == batch.count && answer.count == 0)
        receipted += batch
        fresh += batch
    }

    /// What was receipted on the last connection must be there: each record comes back as a duplicate.
    func checkThatNothingReceiptedIsMissing(_ daemon: Daemon) async throws {
        try await sendAgain(fresh, to: daemon)
    }

    /// Sends all that is pending, and then everything there is: nothing of it is new.
    func finish(_ daemon: Daemon) async throws {
        let peer = try await StreamPeer.open(daemon)
        for (index, batch) in pending.enumerated() {
            try await peer.send(batchFrame(UInt64(index + 1), batch))
        }
        while !pending.isEmpty { try confirm(try await peer.expect(.receipt)) }
        try await peer.finish()
        try await sendAgain((1...recordCount).map { payment($0) }, to: daemon)
    }

    private func sendAgain(_ records: [Record], to daemon: Daemon) async throws {
        let peer = try await StreamPeer.open(daemon)
        for (index, start) in stride(from: 0, to: records.count, by: 1024).enumerated() {
            let batch = Array(records[start..<min(start + 1024, records.count)])
            let receipt = try await peer.exchange(UInt64(index + 1), batch)
            #expect(receipt.counts == LoadCounts(0, batch.count), "of \(start) and on")
        }
        try await peer.finish()
    }
}
