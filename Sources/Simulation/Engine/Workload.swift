import Chance
import Ledger
import Rollups
import Transactions

/// What clients do, one thing after another, as a seed decides: new records, the same again, the same changed, faulty ones,
/// names, rollups that are declared and dropped, questions, pauses.
struct Workload {
    enum Action {
        case send(batch: UInt64, records: [Record])
        case requestCodes([Name])
        case ask
        case find(RecordID)
        case waitForAnswers
        case sleep(nanoseconds: Int64)
        case reopen
    }

    private var generator: SeededGenerator
    private let startMicroseconds: Int64
    private var nextBatch: UInt64 = 1
    private var nextNumber: UInt64 = 1
    private var sent: [(batch: UInt64, records: [Record])] = []
    private let largestBatch: Int

    /// - Parameter largestBatch: records of a batch, at most.
    init(seed: UInt64, startMicroseconds: Int64, largestBatch: Int) {
        generator = SeededGenerator(seed: seed)
        self.startMicroseconds = startMicroseconds
        self.largestBatch = largestBatch
    }

    mutating func next() -> Action {
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<45: return new(records(count: batchSize()))
        case 45..<55: return resend()
        case 55..<60: return conflicting()
        case 60..<65: return new(faulty(records(count: batchSize())))
        case 65..<69: return .requestCodes(names())
        case 69..<72: return .requestCodes([Name(.statement, rollupStatement().text)])
        case 72..<77: return .ask
        case 77..<80:
            return .find(sent.randomElement(using: &generator)?.records.first?.id ?? RecordID(low: 1, high: 1))
        case 80..<90: return .waitForAnswers
        case 90..<98: return .sleep(nanoseconds: .random(in: 1_000_000...4_000_000_000, using: &generator))
        default: return .reopen
        }
    }

    private mutating func batchSize() -> Int {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<4: 1
        case 4..<8: .random(in: 2...20, using: &generator)
        default: .random(in: 1...largestBatch, using: &generator)
        }
    }

    private mutating func new(_ records: [Record]) -> Action {
        defer { nextBatch += 1 }
        sent.append((nextBatch, records))
        return .send(batch: nextBatch, records: records)
    }

    private mutating func resend() -> Action {
        guard let (batch, records) = sent.randomElement(using: &generator) else { return .waitForAnswers }
        return .send(batch: batch, records: records)
    }

    /// A batch of new records, of some that were sent before, and of some that contradict those.
    private mutating func conflicting() -> Action {
        guard let earlier = sent.randomElement(using: &generator)?.records else { return .waitForAnswers }
        var mixed = records(count: 3)
        for record in earlier.prefix(10) {
            var changed = record
            if generator.isOneIn(2) { changed.amountMinorUnits &+= 1 }
            mixed.insert(changed, at: Int.random(in: 0...mixed.count, using: &generator))
        }
        return new(mixed)
    }

    private mutating func faulty(_ records: [Record]) -> [Record] {
        records.map { record in
            var record = record
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: record.amountMinorUnits = -1
            case 1: record.source = 0
            case 2: record.region = 0xFFF0
            default: break
            }
            return record
        }
    }

    private mutating func names() -> [Name] {
        (0..<Int.random(in: 1...4, using: &generator)).map { _ in
            Name(
                NameSpace.allCases.randomElement(using: &generator)!,
                "Ngân hàng \(Int.random(in: 0..<40, using: &generator))")
        }
    }

    /// The rollups of the fewest dimensions answer questions as soon as they are whole.
    private mutating func rollupStatement() -> RollupStatement {
        let name = "r\(Int.random(in: 0..<3, using: &generator))"
        let moment = Int64.random(in: 0..<1 << 40, using: &generator)
        let dimensions: [[Dimension]] = [[], [], [.channel], [.currency, .payee, .service]]
        guard !generator.isOneIn(3),
            let declaration = try? RollupDeclaration(
                name: name, dimensions: dimensions.randomElement(using: &generator)!,
                measures: [.attempts, .settled], isMonthly: generator.isOneIn(3))
        else { return RollupStatement(dropping: name, momentMicroseconds: moment) }
        return RollupStatement(
            keeping: declaration, retentionDays: generator.isOneIn(4) ? 2 : nil, momentMicroseconds: moment)
    }

    private mutating func records(count: Int) -> [Record] { (0..<count).map { _ in record() } }

    private mutating func record() -> Record {
        defer { nextNumber += 1 }
        let kind = Kind.allCases.randomElement(using: &generator)!
        let event: Event = generator.isOneIn(4) ? Event.allCases.randomElement(using: &generator)! : .initiated
        var outcomes: [Outcome] = [.approved, .declined, .failed]
        if event != .resolved { outcomes.append(.pending) }
        let dayMicroseconds: Int64 = 86_400_000_000
        var record = Record(
            id: RecordID(low: nextNumber &* 0x9E37_79B9_7F4A_7C15, high: nextNumber),
            timeMicroseconds: startMicroseconds - .random(in: 0...3, using: &generator) * dayMicroseconds
                + .random(in: 0..<1_000_000_000, using: &generator),
            amountMinorUnits: .random(in: 0...5_000_000, using: &generator), currency: .vnd,
            source: .random(in: 1...3, using: &generator), kind: kind, event: event,
            step: generator.isOneIn(8) ? 1 : 0, outcome: outcomes.randomElement(using: &generator)!,
            channel: Channel(rawValue: UInt8.random(in: 1...6, using: &generator)))
        record.payer = .random(in: 0..<1000, using: &generator)
        record.payerInstitution = .random(in: 1...5, using: &generator)
        record.payee = .random(in: 1...40, using: &generator)
        record.service = .random(in: 1...9, using: &generator)
        record.region = .random(in: 1...4, using: &generator)
        if generator.isOneIn(50) { record.flags |= Record.testFlag }
        return record
    }
}
