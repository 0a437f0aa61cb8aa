import Foundation
import Storage
import Transactions

extension LedgerFiles {
    /// Removes catalogue and index, and makes them anew from the log alone.
    ///
    /// - Parameters:
    ///   - timeZone: a new zone for the business days; nil keeps the ledger's. Identities do not depend on it.
    ///   - cutoverMinutes: a new cut-over; nil keeps the ledger's.
    /// - Throws: `LogError` when the log is damaged; derived files are gone then, and none of the log's bytes were touched.
    public func rebuild(
        timeZone: String? = nil, cutoverMinutes: Int? = nil, options: LedgerOptions = LedgerOptions(),
        fileSystem: any FileSystem = DiskFileSystem(), machine: any Machine = SystemMachine()
    ) throws {
        if let timeZone, TimeZone(identifier: timeZone) == nil { throw LedgerError.unknownTimeZone(timeZone) }
        guard exist(in: fileSystem) else { throw LedgerError.notFound(directory: directory) }
        do {
            guard let lock = try fileSystem.lock(lock, exclusively: true) else {
                throw LedgerError.inUse(directory: directory)
            }
            defer { lock.release() }
            try changeSettings(
                timeZone: timeZone, cutoverMinutes: cutoverMinutes, fileSystem: fileSystem,
                nowMicroseconds: machine.wallClockMicroseconds())
            try fileSystem.createDirectory(index)
            for file in try fileSystem.list(index).map({ index + "/" + $0 }) + catalogueFiles {
                try fileSystem.remove(file)
            }
        }
        try Ledger(self, options: options, fileSystem: fileSystem, machine: machine).close()
    }

    /// New settings begin a new segment, whose first block declares them.
    private func changeSettings(
        timeZone: String?, cutoverMinutes: Int?, fileSystem: any FileSystem, nowMicroseconds: Int64
    ) throws {
        guard timeZone != nil || cutoverMinutes != nil else { return }
        let (log, _) = try LogRecovery.open(directory: log, fileSystem: fileSystem, mayWrite: true) { _ in 0 }
        var settings = log.settings
        settings.timeZone = timeZone ?? settings.timeZone
        settings.cutoverMinutes = cutoverMinutes ?? settings.cutoverMinutes
        guard settings != log.settings else { return }
        let chain = try ChainHasher(endOf: log)
        try LogRecovery.declare(
            settings, after: log, chainLinkCount: chain.linkCount, chainDigest: chain.link,
            nowMicroseconds: nowMicroseconds)
    }
}
