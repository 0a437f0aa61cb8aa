import Foundation
import Storage
import Transactions

/// Why derived files are not made anew: something of the log is lost, and they may be the last that know of it.
public struct RebuildError: Error, Hashable, Sendable, CustomStringConvertible {
    /// All that is wrong with the log, each with its place.
    public var faults: [String]

    /// Every fault, and what to do.
    public var description: String {
        "nothing was removed or rebuilt, because the log is not whole: \(faults.joined(separator: "; ")). "
            + "Restore the segment from a copy and rebuild then; until then statistics are answered from the catalogue that is there"
    }
}

extension LedgerFiles {
    /// Removes catalogue and index, and makes them anew from the log alone.
    ///
    /// - Parameters:
    ///   - timeZone: a new zone for the business days; nil keeps the ledger's. Identities do not depend on it.
    ///   - cutoverMinutes: a new cut-over; nil keeps the ledger's.
    /// - Throws: `RebuildError` when the log is damaged or lacks what a derived file knows of; nothing has changed then.
    public func rebuild(
        timeZone: String? = nil, cutoverMinutes: Int? = nil, options: LedgerOptions = LedgerOptions(),
        fileSystem: any FileSystem = DiskFileSystem(), machine: any Machine = SystemMachine()
    ) throws {
        if let timeZone, TimeZone(identifier: timeZone) == nil { throw LedgerError.unknownTimeZone(timeZone) }
        guard try exist(in: fileSystem) else { throw LedgerError.notFound(directory: directory) }
        do {
            guard let lock = try fileSystem.lock(lock, exclusively: true) else {
                throw LedgerError.inUse(directory: directory)
            }
            defer { lock.release() }
            let log = try wholeLog(fileSystem: fileSystem)
            try changeSettings(
                of: log, timeZone: timeZone, cutoverMinutes: cutoverMinutes,
                nowMicroseconds: machine.wallClockMicroseconds())
            try fileSystem.createDirectory(index)
            for file in try fileSystem.list(index).map({ index + "/" + $0 }) + catalogueFiles {
                try fileSystem.remove(file)
            }
        }
        let ledger = try Ledger(self, options: options, fileSystem: fileSystem, machine: machine)
        defer { ledger.close() }
        try ledger.fillRollups()
    }

    /// The log, after every block of it was read.
    private func wholeLog(fileSystem: any FileSystem) throws -> Log {
        do {
            let (log, _) = try LogRecovery.open(directory: log, fileSystem: fileSystem, mayWrite: true) { settings in
                lastSequenceOfDerivedFiles(ledger: settings.ledger, fileSystem: fileSystem)
            }
            var audit = LogAudit(log)
            try audit.run()
            guard audit.faults.isEmpty else { throw RebuildError(faults: audit.faults) }
            return log
        } catch let error as LogError where error.isDamage {
            var audit = LogAudit(try LogRecovery.survey(directory: log, fileSystem: fileSystem))
            try audit.run()
            let faults = ["\(error)"] + audit.faults
            throw RebuildError(faults: faults.enumerated().filter { !faults[..<$0].contains($1) }.map(\.element))
        }
    }

    /// The last sequence that catalogue or index were made up to, as far as they can be read.
    private func lastSequenceOfDerivedFiles(ledger: UInt64, fileSystem: any FileSystem) -> UInt64 {
        let catalogue = try? LedgerReader.openCatalogue(self, ledger: ledger, fileSystem: fileSystem)
        let checkpoint = (try? catalogue?.checkpoint().sequence) ?? 0
        return max(
            checkpoint, IdentityIndex.lastSequence(ofFilesIn: index, ledger: ledger, fileSystem: fileSystem))
    }

    /// New settings begin a new segment, whose first block declares them.
    private func changeSettings(
        of log: Log, timeZone: String?, cutoverMinutes: Int?, nowMicroseconds: Int64
    ) throws {
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
