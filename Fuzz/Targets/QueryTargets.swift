import Chance
import Foundation
import Ledger
import Rollups
import Service
import Storage
import Transactions

extension FuzzTarget {
    /// What the command asks over the ledger's own socket.
    static let queries = FuzzTarget(name: "queries", largestByteCount: 4096, repair: nil, seeds: QuerySeeds.queries) {
        let ledger = AnsweringLedger()
        return { bytes in
            guard let reply = try? ledger.answer(localQuery: Array(bytes)) else { return false }
            try require((try? JSONSerialization.jsonObject(with: Data(reply))) != nil, "the reply is no JSON")
            return try isWrittenAgain(LocalQuery.self, Data(bytes))
        }
    }

    /// What the daemon answers, as the command reads it.
    static let replies = FuzzTarget(name: "replies", largestByteCount: 4096, repair: nil, seeds: QuerySeeds.replies) {
        { bytes in
            let data = Data(bytes)
            if let answer = try? JSONDecoder().decode(Answer.self, from: data) {
                for row in answer.rows {
                    try require(
                        row.codes.count == answer.dimensions.count && row.values.count == answer.measures.count,
                        "a row of another shape than its answer")
                }
            }
            if let message = try? JSONDecoder().decode(FindingsMessage.self, from: data) {
                for line in message.records {
                    guard let found = line.found else { continue }
                    try require(
                        RecordLine(found).bytes == line.bytes.lowercased(), "a record is written otherwise than it came"
                    )
                }
            }
            return try [
                isWrittenAgain(Answer.self, data), isWrittenAgain(FindingsMessage.self, data),
                isWrittenAgain(LedgerStatus.self, data),
            ].contains(true)
        }
    }

    /// False when the bytes are no such value; else it is written, read and written to the same bytes.
    private static func isWrittenAgain<Value: Codable>(_: Value.Type, _ data: Data) throws -> Bool {
        guard let value = try? JSONDecoder().decode(Value.self, from: data) else { return false }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        do {
            let written = try encoder.encode(value)
            let again = try encoder.encode(JSONDecoder().decode(Value.self, from: written))
            try require(written == again, "\(value) is read otherwise than it was written")
        } catch let error where !(error is BrokenProperty) {
            throw BrokenProperty("\(value) cannot be written and read: \(error)")
        }
        return true
    }
}

/// A ledger that knows an answer to everything.
private final class AnsweringLedger: LedgerView {
    let settings = {
        var chance = SeededGenerator(seed: 1)
        return LedgerSettings(timeZone: "UTC", cutoverMinutes: 0, createdMicroseconds: 0, chance: &chance)
    }()
    private let record = Samples.records(count: 1)[0]
    private let template: LedgerStatus

    init() {
        do { template = try JSONDecoder().decode(LedgerStatus.self, from: Data(QuerySeeds.status.utf8)) } catch {
            preconditionFailure("\(error)")
        }
    }

    func answer(_ question: Question, despiteDamage: Bool) throws -> Answer {
        _ = question.covers(Samples.day)
        _ = question.rollup(among: RollupDeclaration.defaults)
        _ = try question.adHocDeclaration()
        let row = Answer.Row(
            codes: question.grouping.map { _ in .max }, values: question.measures.map { $0.isMoney ? nil : Int128.min })
        return Answer(dimensions: question.grouping, measures: question.measures, rows: [row], sequence: .max)
    }

    func find(_ id: RecordID, despiteDamage: Bool) throws -> Findings {
        var record = record
        record.id = id
        return Findings(records: [FoundRecord(sequence: .max, record: record)], damage: [])
    }

    func sequence(committedBy microseconds: Int64) throws -> UInt64 { UInt64(clamping: microseconds) }
    func rollups() -> [KeptRollup] { KeptRollup.inOrder([]) }
    func status() throws -> LedgerStatus { template }
    func knownCodes(for names: [Name]) -> [UInt32?] { names.map { $0.text.isEmpty ? nil : $0.space.largestCode } }
    func names(of space: NameSpace) -> [UInt32: String] { [7: "seven"] }
}

private enum QuerySeeds {
    static let status = """
        {"directory":"d","ledger":"9","timeZone":"UTC","cutover":"00:00","records":1,"segments":1,"bytes":2,\
        "derivedBytes":3,"days":1,"firstDay":"2026-03-02","lastDay":null,"names":{"payee":3},"checkpoint":1,"chain":"00",\
        "damage":[],"isServed":true,"residentBytes":5}
        """

    @Sendable static func queries() -> [[UInt8]] {
        [
            #"{"status":{}}"#, #"{"find":{"_0":"TX-1","despiteDamage":true}}"#,
            #"{"codes":{"space":3,"names":["a","Huế"]}}"#,
            #"{"names":{"space":1,"codes":[7,8]}}"#, #"{"allNames":{"space":5}}"#,
            #"{"statements":{"kinds":["region"]}}"#, #"{"define":{"_0":[{"space":5,"text":"Huế","code":7}]}}"#,
            #"""
            {"answer":{"_0":{"from":"2026-07-01","to":"2026-07-31","by":["day","currency","hour"],\#
            "filters":{"region":[3],"month":[202607]},"measures":["amount","attempts"]},"despiteDamage":false}}
            """#,
        ].map { Array($0.utf8) }
    }

    @Sendable static func replies() -> [[UInt8]] {
        let line = RecordLine(FoundRecord(sequence: 1, record: Samples.records(count: 1)[0]))
        return [
            status,
            #"{"dimensions":["day"],"measures":["amount"],"rows":[{"codes":[20600],"values":["-1"]}],"sequence":9}"#,
            #"{"records":[{"sequence":1,"bytes":"\#(line.bytes)"}],"damage":[]}"#,
        ].map { Array($0.utf8) }
    }
}
