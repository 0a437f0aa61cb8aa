import Ledger
import Rollups
import Storage
import Synchronization
import Transactions

/// A ledger that a daemon holds, as this process sees it: the daemon tells how far the log is durable, and answers what its
/// rollups and its index know; records are read from the log itself. So a long statement takes nothing from ingest but
/// the processor, and its memory is this process's.
///
/// Calls block: not on a thread that others wait for.
final class ServedLedger: LedgerView, SnapshotSource, @unchecked Sendable {
    let settings: LedgerSettings
    private let access: LedgerAccess
    private let files: LedgerFiles
    private let failure = Mutex<(any Error)?>(nil)

    init(_ access: LedgerAccess, _ files: LedgerFiles) async throws {
        (self.access, self.files) = (access, files)
        settings = try LogSnapshot(of: files, before: try await access.end()).settings
    }

    func snapshot() throws -> LogSnapshot {
        try LogSnapshot(of: files, before: try wait { try await $0.end() })
    }

    func answer(_ question: Question, despiteDamage: Bool) throws -> Answer {
        try wait { try await $0.answer(question, despiteDamage: despiteDamage) }
    }

    func find(_ id: RecordID, despiteDamage: Bool) throws -> Findings {
        try wait { try await $0.find("\(id)", despiteDamage: despiteDamage) }
    }

    func sequence(committedBy microseconds: Int64) throws -> UInt64 {
        try wait { try await $0.sequence(committedBy: microseconds) }
    }

    func status() throws -> LedgerStatus { try wait { try await $0.status() } }

    func rollups() throws -> [KeptRollup] { try wait { try await $0.rollups() } }

    func names(of space: NameSpace) -> [UInt32: String] {
        noting([:]) { try await $0.allNames(in: space) }
    }

    func knownCodes(for names: [Name]) -> [UInt32?] {
        names.map { name in noting(nil) { try await $0.codes(of: [name.text], in: name.space)[0] } }
    }

    /// Fails when a name could not be asked for, so that what was shown instead is not taken for all there is.
    func checkNames() throws {
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    private func noting<Reply: Sendable>(
        _ absent: Reply, _ ask: @escaping @Sendable (LedgerAccess) async throws -> Reply
    ) -> Reply {
        do { return try wait(ask) } catch {
            failure.withLock { $0 = error }
            return absent
        }
    }

    /// Waits for the daemon's answer.
    private func wait<Reply: Sendable>(
        _ ask: @escaping @Sendable (LedgerAccess) async throws -> Reply
    ) throws -> Reply {
        try waiting { [access] in try await ask(access) }
    }
}
