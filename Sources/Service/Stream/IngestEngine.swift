import Ledger
import Transactions

/// What the service needs of a ledger. `Ledger` is one.
public protocol IngestEngine: AnyObject, Sendable {
    /// Which ledger it is.
    var ledgerID: UInt64 { get }

    /// Checks, claims, copies and publishes a batch; never blocks. See `Ledger.submit`.
    func submit(
        _ records: UnsafeRawBufferPointer, batch: UInt64, sources: SourceSet, owner: any BatchOwner
    ) -> Admission

    /// The codes of `names`, new ones made durable first.
    func codes(for names: [Name]) async throws(Refusal) -> [UInt32]

    /// The tokens of `accounts`, each with the key of its date; nothing of them is kept.
    func tokens(for accounts: AccountNumbers) throws(Refusal) -> [UInt64]
}

/// Answers a query of the local socket, opaque to the service.
public typealias QueryHandler = @Sendable (_ query: [UInt8]) async throws -> [UInt8]
