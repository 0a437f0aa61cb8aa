import Ledger
import Storage

/// Opens a ledger to write to it; makes one with UTC when there is none, and says so.
func openLedger(
    _ files: LedgerFiles, options: LedgerOptions = LedgerOptions(),
    onFailure: @escaping @Sendable (Refusal) -> Void = { _ in }
) throws -> Ledger {
    if try !files.exist(in: DiskFileSystem()) {
        try files.create(timeZone: "UTC", cutoverMinutes: 0)
        complain(
            "made a ledger in \(files.directory) with business days in UTC ('sluice init' makes one with another zone)")
    }
    return try Ledger(files, options: options, report: { complain("sluice: \($0)") }, onFailure: onFailure)
}
