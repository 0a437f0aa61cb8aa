import CPlatform
import Rollups
import Storage
import Transactions

extension LedgerStatus {
    /// Collects what a view of a ledger knows.
    init(
        files: LedgerFiles, log: Log, names: NameRegistry, days: Answer, checkpoint: UInt64, chain: ChainHead?,
        isServed: Bool,
        fileSystem: any FileSystem
    ) throws {
        directory = files.directory
        ledger = String(log.settings.ledger, radix: 16)
        timeZone = log.settings.timeZone
        let minutes = log.settings.cutoverMinutes
        cutover = [minutes / 60, minutes % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
        records = log.endSequence - 1
        segments = log.segments.count
        bytes = try log.byteCount()
        derivedBytes = try files.derivedByteCount(fileSystem: fileSystem)
        let codes = days.rows.compactMap(\.codes.first)
        let dates = codes.map { CalendarDay(daysSince1970: Int32(bitPattern: $0)) }.sorted()
        self.days = dates.count
        firstDay = dates.first?.description
        lastDay = dates.last?.description
        let counts = names.counts
        self.names = Dictionary(uniqueKeysWithValues: NameSpace.allCases.map { ($0.name, counts[$0] ?? 0) })
        self.checkpoint = checkpoint
        self.chain = chain.map { hexadecimal($0.digest) }
        receipt = chain.map { StoredReceipt(ledger: log.settings.ledger, chain: $0) }
        damage = days.damage
        self.isServed = isServed
        residentBytes = sluice_resident_bytes()
    }

    /// The question whose answer lists the business days.
    static let daysQuestion: Question = {
        do { return try Question(by: [.day], measures: [.attempts]) } catch { preconditionFailure("\(error)") }
    }()
}

extension LedgerFiles {
    fileprivate func derivedByteCount(fileSystem: any FileSystem) throws -> Int {
        let indexFiles = try fileSystem.list(index).map { index + "/" + $0 }
        return (indexFiles + catalogueFiles).filter(fileSystem.exists).reduce(0) { total, path in
            // A file may go between the listing and here: the daemon merges its files.
            total + ((try? fileSystem.open(path, .read).byteCount()) ?? 0)
        }
    }
}
