import Ledger
import Rollups
import Storage
import Synchronization
import Transactions

/// What a ledger reports to its operator.
private final class Reported: Sendable {
    let lines = Mutex<[String]>([])
}

/// One life of the engine on a simulated machine and disk: opened, used by a client, closed or left to its fate.
final class EngineSession {
    let ledger: Ledger
    private let client: SimulatedClient
    private let journal: Journal
    private let machine: SimulatedMachine
    private let reported = Reported()
    private var askingFailures: [String] = []

    /// What a question or a look-up failed with, segments that could not be compacted, and an index that was made anew; a disk
    /// that fails on purpose makes that happen, and a crash does not.
    var failures: [String] {
        askingFailures
            + reported.lines.withLock { lines in
                lines.filter { line in ["is not compacted", "is made anew"].contains { line.contains($0) } }
            }
    }

    /// Opens the ledger, with its recovery.
    init(
        _ files: LedgerFiles, options: LedgerOptions, fileSystem: any FileSystem, machine: SimulatedMachine,
        journal: Journal
    ) throws {
        let reported = self.reported
        ledger = try Ledger(
            files, options: options, fileSystem: fileSystem, machine: machine,
            report: { line in reported.lines.withLock { $0.append(line) } })
        client = SimulatedClient(ledger, journal: journal, machine: machine)
        self.journal = journal
        self.machine = machine
    }

    /// Does one thing that a client does.
    func perform(_ action: Workload.Action) {
        switch action {
        case .send(let batch, let records): client.send(batch, records)
        case .requestCodes(let names): client.requestCodes(for: names)
        case .ask: note { try askForTotal() }
        case .find(let id): note { _ = try ledger.find(id) }
        case .waitForAnswers, .reopen: client.waitForAnswers()
        case .sleep(let nanoseconds): machine.sleep(nanoseconds: nanoseconds)
        }
    }

    /// Sends everything again that the journal knows no receipt of, and waits for the answers.
    /// - Returns: why batches were refused.
    func resendUnanswered() -> [Refusal] {
        let knowledge = journal.knowledge
        for batch in knowledge.unanswered { client.send(batch, knowledge.sent[batch]!) }
        client.waitForAnswers()
        return client.refusals
    }

    /// Ends this life in good order.
    func close() { ledger.close() }

    private func askForTotal() throws {
        let before = client.lastReceipted
        let answer = try ledger.answer(try Question(measures: [.attempts]))
        journal.note(
            .answered(
                attempts: answer.rows.first?.values.first.flatMap(\.self) ?? 0, asOf: answer.sequence,
                receiptedBefore: before))
    }

    private func note(_ body: () throws -> Void) {
        do { try body() } catch { askingFailures.append("\(error)") }
    }
}
