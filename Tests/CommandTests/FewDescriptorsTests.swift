import Testing
import Transactions

/// More connections than the system gives the daemon descriptors: further ones are told so, and everything else goes on.
@Suite(.timeLimit(.minutes(2))) struct FewDescriptorsTests {
    @Test func aCrowdTakesNoDescriptorThatTheLedgerNeeds() async throws {
        try await Workshop.open { workshop in
            let wrapper = ["sh", "-c", "ulimit -n 128 && exec \"$@\"", "sh"]
            let daemon = try await Daemon(workshop, data: workshop.data, wrapper: wrapper)
            let peer = try await StreamPeer.open(daemon)
            #expect(try await peer.exchange(1, [payment(1)]).counts == LoadCounts(1))
            let crowd = try (0..<200).map { _ in try StreamPeer(port: daemon.port) }
            let told = try await firstAnswers(of: crowd)
            #expect(!told.isEmpty, "nobody was told why")
            for answer in told { #expect(answer.kind == .error && answer.code == 13, "\(answer.text)") }
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

    /// What those who heard first were told. Which ones of a crowd these are depends on how many descriptors the daemon
    /// itself holds, so on the machine's processors.
    private func firstAnswers(of crowd: [StreamPeer]) async throws -> [StreamPeer.Answer] {
        for _ in 0..<2_000 {
            let answers = try crowd.compactMap { try $0.poll() }
            guard answers.isEmpty else { return answers }
            try await Task.sleep(for: .milliseconds(10))
        }
        return []
    }
}
