import Foundation
import Ledger
import Rollups
import Tables
import Transactions

/// A small ledger with something of everything, and the same in an ordinary database whose rows were made from the records
/// another way.
final class SampleLedger: Sendable {
    static let shared = Result { try SampleLedger() }

    let reader: LedgerReader
    let records: [Record]
    private let directory: String
    private let regionNames: [UInt16: String]
    private let serviceNames: [UInt32: String]
    private let payeeNames: [UInt32: String]
    private let sourceNames: [UInt16: String]

    /// One is shown like a code without a name, some differ in the case of letters alone.
    private static let regions = ["Hà Nội", "Huế", "3", "o'Brien \"x\""]
    private static let services = ["bills", "tax, land", "school\nfees", "BILLS"]
    private static let payees = ["Phở Thìn", "Điện máy Xanh", "", "東京 Store"].filter { !$0.isEmpty }

    private init() throws {
        directory = NSTemporaryDirectory() + "/sluice-tables-" + UUID().uuidString
        let files = LedgerFiles(directory: directory)
        try files.create(timeZone: "Asia/Ho_Chi_Minh", cutoverMinutes: 23 * 60)
        var options = LedgerOptions()
        // Many segments and blocks of both layouts.
        options.segmentByteCount = 48 << 10
        options.compactsSegments = false
        let ledger = try Ledger(files, options: options)
        func codes(_ space: NameSpace, _ names: [String]) throws -> [UInt32] {
            let box = Box()
            let done = DispatchSemaphore(value: 0)
            ledger.requestCodes(for: names.map { Name(space, $0) }) {
                box.codes = try? $0.get()
                done.signal()
            }
            done.wait()
            return box.codes!
        }
        let regionCodes = try codes(.region, SampleLedger.regions)
        let serviceCodes = try codes(.service, SampleLedger.services)
        let payeeCodes = try codes(.payee, SampleLedger.payees)
        let sourceCodes = try codes(.source, ["gate-a", "gate-b"])
        regionNames = Dictionary(uniqueKeysWithValues: zip(regionCodes.map { UInt16($0) }, SampleLedger.regions))
        serviceNames = Dictionary(uniqueKeysWithValues: zip(serviceCodes, SampleLedger.services))
        payeeNames = Dictionary(uniqueKeysWithValues: zip(payeeCodes, SampleLedger.payees))
        sourceNames = Dictionary(uniqueKeysWithValues: zip(sourceCodes.map { UInt16($0) }, ["gate-a", "gate-b"]))
        let made = (0..<5000).map { number in
            SampleLedger.record(
                number, regions: regionCodes + [0, 3, 4], services: serviceCodes + [0, 9],
                payees: payeeCodes + [0, 1, 70_000], sources: sourceCodes + [7])
        }
        let uploader = Uploader(ledger)
        var rest = made[...]
        var size = 3
        while !rest.isEmpty {
            // Each piece by itself: small commits are stored as rows, large ones as columns.
            try uploader.send(Array(rest.prefix(size)))
            _ = try uploader.finish()
            rest = rest.dropFirst(size)
            size = size * 7 % 1019
        }
        ledger.close()
        records = made
        reader = try LedgerReader(files)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private final class Box: @unchecked Sendable {
        var codes: [UInt32]?
    }

    /// Amounts near the largest that there is, which no statistics count.
    private static func isHuge(_ number: Int) -> Bool { number % 50 == 0 && number % 300 != 0 }

    /// Some that fit into 64 bits one by one, and not all together.
    private static func amount(_ number: Int) -> Int64 {
        if isHuge(number) { return .max - Int64(number) }
        return number % 300 == 0 ? .max / 4 : Int64(number * 37 % 1000) * 1000
    }

    private static func record(
        _ number: Int, regions: [UInt32], services: [UInt32], payees: [UInt32], sources: [UInt32]
    ) -> Record {
        // 2024-11-18 16:00 UTC is 23:00 in Viet Nam, the cut-over; times are not in the order of the log.
        let time = 1_731_945_600_000_000 + Int64(number * 7919 % 5000) * 86_400_000 + Int64(number % 3)
        let references: [String] = [
            "R-\(number / 2)", "018f3a5c-7c1e-7b2a-9c33-\(String(100_000_000_000 + number))",
            "f47ac10b-58cc-4372-a567-\(String(200_000_000_000 + number))",
            "a reference of more than sixteen characters, \(number)",
        ]
        let isRefund = number % 10 == 9
        var record = Record(
            id: RecordID(reference: references[number % 4])!, timeMicroseconds: time,
            amountMinorUnits: amount(number),
            currency: [Currency.vnd, .gbp, .kwd, .none][number % 7 % 4],
            source: UInt16(sources[number % sources.count]),
            kind: Kind.allCases[number % 5], event: isRefund ? .refunded : .initiated,
            step: UInt8(number % 16), outcome: Outcome(rawValue: [0x10, 0x10, 0x21, 0x31, 0x41, 0x29][number % 6]),
            channel: Channel(rawValue: [0, 1, 2, 5, 99][number % 5]))
        record.region = UInt16(regions[number % regions.count])
        record.service = services[number % 11 % services.count]
        record.payee = payees[number % 13 % payees.count]
        record.payer = number % 4 == 0 ? 0 : UInt64(number % 97 + 1) << 20
        record.payerInstitution = UInt16(number % 9)
        record.payeeInstitution = UInt16(number % 5 * 100)
        record.duration =
            number % 8 == 0
            ? .unknown : PackedDuration(milliseconds: number % 501 == 1 ? 1 << 33 : Int64(number % 800))!
        if number % 17 == 0 || isHuge(number) { record.flags |= Record.testFlag }
        if number % 19 == 0 { record.flags |= Record.overdueFlag }
        return record
    }

    /// The table `transactions` as an ordinary table has it.
    var transactions: [[SQLValue]] {
        let clock = DateFormatter()
        clock.timeZone = TimeZone(identifier: "UTC")
        clock.locale = Locale(identifier: "en_US_POSIX")
        clock.dateFormat = "yyyy-MM-dd'T'HH:mm:ss"
        let local = DateFormatter()
        local.timeZone = TimeZone(identifier: "Asia/Ho_Chi_Minh")
        local.locale = clock.locale
        local.dateFormat = "yyyy-MM-dd HH"
        return records.enumerated().map { number, record in row(number, record, clock, local) }
    }

    private func row(_ number: Int, _ record: Record, _ clock: DateFormatter, _ local: DateFormatter) -> [SQLValue] {
        func name(_ code: UInt32, _ names: [UInt32: String]) -> SQLValue {
            code == 0 ? .null : .text(names[code] ?? "\(code)")
        }
        func code(_ code: UInt32) -> SQLValue { code == 0 ? .null : .integer(Int64(code)) }
        func wide(_ names: [UInt16: String]) -> [UInt32: String] {
            Dictionary(uniqueKeysWithValues: names.map { (UInt32($0), $1) })
        }
        let moment = Date(timeIntervalSince1970: Double(record.timeMicroseconds / 1_000_000))
        let fraction = String(1_000_000 + record.timeMicroseconds % 1_000_000).dropFirst()
        // An hour later the business day, which begins at 23:00, is the calendar's.
        let day = local.string(from: moment + 3600).prefix(10)
        let hour = Int64(local.string(from: moment).suffix(2))!
        let regions = wide(regionNames)
        let sources = wide(sourceNames)
        let payer = record.payer == 0 ? SQLValue.null : .text(TokenText.text(of: record.payer))
        return [
            .integer(Int64(number + 1)), .text("\(record.id)"), .text("\(clock.string(from: moment)).\(fraction)Z"),
            .integer(record.timeMicroseconds), .text(String(day)), .integer(hour),
            .text(record.kind!.name), .integer(Int64(record.kind!.rawValue)),
            .text(record.event!.name), .integer(Int64(record.event!.rawValue)), .integer(Int64(record.step)),
            name(UInt32(record.source), sources), code(UInt32(record.source)), payer,
            name(UInt32(record.payerInstitution), [:]), code(UInt32(record.payerInstitution)),
            name(record.payee, payeeNames), code(record.payee),
            name(UInt32(record.payeeInstitution), [:]), code(UInt32(record.payeeInstitution)),
            name(record.service, serviceNames), code(record.service),
            name(UInt32(record.region), regions), code(UInt32(record.region)),
            .text(record.channel.name), .integer(Int64(record.channel.rawValue)),
            .text(record.outcome.name), .integer(Int64(record.outcome.rawValue)),
            .text(record.outcome.outcomeClass!.name),
            .text(record.currency.code), .integer(Int64(record.currency.rawValue)),
            .integer(record.amountMinorUnits), record.duration.milliseconds.map { .integer($0) } ?? .null,
            .integer(record.isTest ? 1 : 0), .integer(record.isOverdue ? 1 : 0),
        ]
    }

    /// An ordinary database with all tables that statements of the tests use.
    func plainDatabase() throws -> PlainDatabase {
        let plain = try PlainDatabase()
        for table in ["transactions", "regions", "services", "payees", "sources", "outcomes", "currencies"] {
            try plain.execute(LedgerQuery(reader).schema(of: table).joined())
        }
        try plain.fill("transactions", transactions)
        try plain.fill("regions", regionNames.map { [.integer(Int64($0)), .text($1)] })
        try plain.fill("services", serviceNames.map { [.integer(Int64($0)), .text($1)] })
        try plain.fill("payees", payeeNames.map { [.integer(Int64($0)), .text($1)] })
        try plain.fill("sources", sourceNames.map { [.integer(Int64($0)), .text($1)] })
        try plain.fill(
            "outcomes",
            Outcome.names.map { Outcome(name: $0)! }.map {
                [.integer(Int64($0.rawValue)), .text($0.name), .text($0.outcomeClass!.name)]
            })
        try plain.fill(
            "currencies",
            (1...999).map { Currency(rawValue: $0) }.filter(\.isKnown).map {
                [.text($0.code), .integer(Int64($0.rawValue)), .integer(Int64($0.minorUnitDigits))]
            })
        return plain
    }
}

extension LedgerQuery {
    /// Runs a statement and keeps its rows.
    func rows(_ sql: String) throws -> (names: [String], rows: [[SQLValue]]) {
        var names: [String] = []
        var rows: [[SQLValue]] = []
        try run(sql) {
            names = $0
        } row: {
            rows.append($0.values)
        }
        return (names, rows)
    }
}
