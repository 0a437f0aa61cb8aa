import Foundation
import Testing
import Transactions

/// A full disk: batches are refused with a clear error, what was receipted is kept, and once there is space it goes on.
@Suite(.enabled(if: SmallDisk.isPossible, "mounting a small file system needs root"), .timeLimit(.minutes(2)))
struct FullDiskTests {
    /// What was sent and receipted so far.
    private struct Progress {
        /// Records that a receipt confirmed.
        var recordCount = 0
        /// Batches of the connection.
        var batchNumber: UInt64 = 0

        func next(_ count: Int) -> [Record] { (recordCount + 1...recordCount + count).map { payment($0) } }
    }

    private static let names = (0..<40).map { "region \($0) " + String(repeating: "x", count: 200) }

    /// Sends batches, smaller and smaller ones, until even the smallest is refused.
    private func fill(_ peer: StreamPeer, _ progress: inout Progress) async throws -> StreamPeer.Answer {
        var refused: StreamPeer.Answer?
        for count in [512, 16, 1] {
            refused = nil
            while refused == nil, progress.batchNumber < 3000 {
                progress.batchNumber += 1
                try await peer.send(batchFrame(progress.batchNumber, progress.next(count)))
                let answer = try #require(try await peer.receive())
                if answer.kind == .refused {
                    refused = answer
                } else {
                    try #require(answer.kind == .receipt)
                    #expect(answer.counts == LoadCounts(count))
                    progress.recordCount += count
                }
            }
        }
        #expect(progress.recordCount > 5000)
        return try #require(refused, "the disk was never full")
    }

    private func ask(
        _ peer: StreamPeer, for names: [String] = FullDiskTests.names, request: UInt64
    ) async throws -> StreamPeer.Answer {
        var payload: [UInt8] = names.flatMap { [5, UInt8($0.utf8.count)] + Array($0.utf8) }
        payload += [UInt8](repeating: 0, count: (8 - payload.count % 8) % 8)
        try await peer.send(frame(kind: 6, number: request, count: names.count, payload: payload))
        return try #require(try await peer.receive())
    }

    private func status(_ workshop: Workshop, _ disk: SmallDisk) async throws -> [String: Any] {
        try await workshop.run("status", "--data", disk.data, "--json").object()
    }

    @Test func refusedAndGoneOn() async throws {
        try await Workshop.open { workshop in
            try await SmallDisk.mounted(in: workshop) { disk in
                var progress = Progress()
                let daemon = try await Daemon(workshop, data: disk.data)
                let peer = try await StreamPeer.open(daemon)
                let refused = try await fill(peer, &progress)
                #expect(refused.code == 1 && refused.flags == 1, "\(refused.text)")
                #expect(refused.text.contains("space"), "\(refused.text)")
                #expect(try await status(workshop, disk)["records"] as? Int == progress.recordCount)
                // Names cannot be made durable either, and must not be given out, now or by asking again.
                for request in 1...2 as ClosedRange<UInt64> {
                    let failed = try await ask(peer, request: request)
                    #expect(failed.kind == .failed && failed.flags == 1 && failed.code == 1, "\(failed.kind)")
                }
                // Another connection is heard as well, and refused as well.
                let other = try await StreamPeer.open(daemon)
                try await other.send(batchFrame(1, progress.next(512)))
                #expect(try await other.expect(.refused).code == 1)
                try await other.finish()

                try disk.makeRoom()
                #expect(try await peer.exchange(progress.batchNumber + 1, progress.next(512)).counts == LoadCounts(512))
                progress.recordCount += 512
                let codes = try await ask(peer, request: 3)
                try #require(codes.kind == .codes)
                try await peer.finish()
                daemon.crash()
                // The codes are these names' own after a crash, too.
                try await workshop.withDaemon(data: disk.data) { daemon in
                    let peer = try await StreamPeer.open(daemon)
                    let later = try await ask(peer, for: ["a later one"], request: 1).integer(0, UInt32.self)
                    let given = (0..<Self.names.count).map { codes.integer(4 * $0, UInt32.self) }
                    #expect(!given.contains(later))
                    #expect(try await ask(peer, request: 2).payload == codes.payload)
                    try await peer.finish()
                }
                try await checkAfterwards(workshop, disk, progress.recordCount, nameCount: Self.names.count + 1)
            }
        }
    }

    /// Killed while the disk is full, and started again while it still is: what was receipted is there.
    @Test func killedWhenFull() async throws {
        try await Workshop.open { workshop in
            try await SmallDisk.mounted(in: workshop) { disk in
                var progress = Progress()
                let first = try await Daemon(workshop, data: disk.data)
                _ = try await fill(try await StreamPeer.open(first), &progress)
                first.crash()
                try await workshop.withDaemon(data: disk.data) { daemon in
                    #expect(try await status(workshop, disk)["records"] as? Int == progress.recordCount)
                    let peer = try await StreamPeer.open(daemon)
                    try await peer.send(batchFrame(1, progress.next(512)))
                    #expect(try await peer.expect(.refused).code == 1)
                    try disk.makeRoom()
                    #expect(try await peer.exchange(2, progress.next(512)).counts == LoadCounts(512))
                    progress.recordCount += 512
                    for (index, start) in stride(from: 0, to: progress.recordCount, by: 1000).enumerated() {
                        let known = (start + 1...min(start + 1000, progress.recordCount)).map { payment($0) }
                        let receipt = try await peer.exchange(UInt64(3 + index), known)
                        #expect(receipt.counts == LoadCounts(0, known.count))
                    }
                    #expect(try await ask(peer, request: 1).kind == .codes)
                    try await peer.finish()
                }
                try await checkAfterwards(workshop, disk, progress.recordCount, nameCount: Self.names.count)
            }
        }
    }

    private func checkAfterwards(_ workshop: Workshop, _ disk: SmallDisk, _ count: Int, nameCount: Int) async throws {
        let status = try await status(workshop, disk)
        #expect(status["records"] as? Int == count)
        #expect((status["names"] as? [String: Int])?["region"] == nameCount)
        let verified = try await workshop.run("verify", "--data", disk.data, "--json")
        #expect(verified.code == 0, "\(verified.output)\(verified.errors)")
        let daily = try await workshop.run(
            "daily", "--data", disk.data, "--by", "month", "--measures", "settled,amount", "--format", "csv")
        #expect(daily.rows == [["2024-01", "VND", "\(count)", "\(count * (count + 1) / 2)"]])
    }
}
