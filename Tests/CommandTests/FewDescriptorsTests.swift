import Testing
import Transactions

/// More connections than the system gives the daemon descriptors: further ones are told so, and everything else goes on.
@Suite(.timeLimit(.minutes(2))) struct FewDescriptorsTests {
    @Test func aCrowdTakesNoDescriptorThatTheLedgerNeeds() async throws {
        try await Workshop.open { workshop in
            let wrapper = ["sh", "-c", "ulimit -n 96 && exec \"$@\"", "sh"]
            let daemon = try await Daemon(workshop, data: workshop.data, wrapper: wrapper)
            let peer = try await StreamPeer.open(daemon)
            #expect(try await peer.exchange(1, [payment(1)]).counts == LoadCounts(1))
            let crowd = try (0..<200).map { _ in try StreamPeer(port: daemon.port) }
            var told = 0
            for other in crowd.suffix(160) {
                guard let answer = try? await other.receive() else { continue }
                #expect(answer.kind == .error && answer.code == 13, "\(answer.text)")
                told += 1
            }
            #expect(told > 0, "nobody was told why")
            // The others are served, names are given, and an operator is heard.
            #expect(try await peer.exchange(2, [payment(2)]).counts == LoadCounts(1))
            try await peer.send(frame(kind: 6, number: 1, count: 1, payload: [5, 5] + Array("Huế".utf8) + [0]))
            #expect(try await peer.expect(.codes).number == 1)
            let status = try await workshop.run("status", "--data", workshop.data, "--json")
            #expect(status.code == 0, "\(status.errors)\n\(daemon.messages.suffix(500))")
            #expect(try status.object()["records"] as? Int == 2)
            try await peer.finish()
            daemon.crash()
            withExtendedLifetime(crowd) {}
            try await workshop.withDaemon { daemon in
                let peer = try await StreamPeer.open(daemon)
                #expect(try await peer.exchange(1, [payment(1), payment(2)]).counts == LoadCounts(0, 2))
                try await peer.finish()
            }
        }
    }
}
