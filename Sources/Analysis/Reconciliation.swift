import Rollups
import Transactions

/// A gateway's own list of records against those of the ledger, one by one.
///
/// Each identity of either side is in exactly one class, so the classes add up to both sides: matched + differing + missing here is
/// what the list has (once each, repeats apart), matched + differing + missing there what the ledger has.
public struct Reconciliation: Sendable {
    /// What became of an identity.
    public enum Class: String, CaseIterable, Sendable {
        /// On both sides, all 64 bytes the same.
        case matched
        /// On both sides, with other content.
        case differing
        /// In the list and not in the ledger.
        case missingHere = "missing_here"
        /// In the ledger and not in the list.
        case missingThere = "missing_there"
        /// In the list once more, with the same content.
        case repeated
        /// In the list once more, with other content.
        case contradicting
    }

    /// One that is not matched.
    public struct Finding: Hashable, Sendable {
        /// What it is.
        public var kind: Class
        /// The list's row; nil where only the ledger has it.
        public var row: Int?
        /// The ledger's sequence; nil where only the list has it.
        public var sequence: UInt64?
        /// The record, the list's where it has it.
        public var record: Record
        /// The other side's, where they differ.
        public var other: Record?
    }

    private struct Identity: Hashable {
        var id: RecordID
        var day: Int64
        var source: UInt16
        var kindAndEvent: UInt8
        var step: UInt8

        init(_ record: Record) {
            id = record.id
            day = floorDivision(record.timeMicroseconds, 86_400_000_000)
            (source, kindAndEvent, step) = (record.source, record.kindAndEvent, record.step)
        }
    }

    private struct Total {
        var events: Int128 = 0
        var listed: Int128 = 0
        var recorded: Int128 = 0
    }

    private struct Group: Hashable {
        var kind: Class
        var currency: UInt16
    }

    private var listed: [Identity: (row: Int, record: Record)] = [:]
    private var totals: [Group: Total] = [:]
    /// In the order in which they were found.
    public private(set) var findings: [Finding] = []
    /// The sources of the list.
    public private(set) var sources: Set<UInt16> = []
    /// From the first record of the list to the last; nil while there is none. What the ledger has outside of it and the list
    /// has not is not missing there.
    public var times: ClosedRange<Int64>?

    /// Nothing is listed yet.
    public init() {}

    /// The list is about a source's records of a span of time, even if it has none of them.
    public mutating func cover(source: UInt16, times: ClosedRange<Int64>) {
        sources.insert(source)
        self.times = times
    }

    /// Takes a record of the list.
    public mutating func list(_ record: Record, row: Int) {
        sources.insert(record.source)
        let time = record.timeMicroseconds
        times = times.map { min($0.lowerBound, time)...max($0.upperBound, time) } ?? time...time
        let identity = Identity(record)
        guard let earlier = listed[identity] else {
            listed[identity] = (row, record)
            return
        }
        let kind = earlier.record == record ? Class.repeated : .contradicting
        note(Finding(kind: kind, row: row, record: record, other: kind == .repeated ? nil : earlier.record))
    }

    /// Takes a record of the ledger, of a source and a date that the list is about. Each identity comes once.
    public mutating func meet(_ record: Record, sequence: UInt64) {
        guard let (row, own) = listed.removeValue(forKey: Identity(record)) else {
            guard times?.contains(record.timeMicroseconds) ?? true else { return }
            return note(Finding(kind: .missingThere, sequence: sequence, record: record))
        }
        let isSame = own == record
        note(
            Finding(
                kind: isSame ? .matched : .differing, row: row, sequence: sequence, record: own,
                other: isSame ? nil : record))
    }

    /// All of the ledger has been met: what is left of the list is missing.
    public mutating func finish() {
        for (row, record) in listed.values.sorted(by: { $0.row < $1.row }) {
            note(Finding(kind: .missingHere, row: row, record: record))
        }
        listed = [:]
    }

    private mutating func note(_ finding: Finding) {
        func add(_ record: Record, _ change: (inout Total, Int128) -> Void) {
            let group = Group(kind: finding.kind, currency: record.currency.rawValue)
            change(&totals[group, default: Total()], Int128(record.amountMinorUnits))
        }
        add(finding.record) { total, _ in total.events += 1 }
        if finding.kind != .missingThere { add(finding.record) { $0.listed += $1 } }
        switch finding.kind {
        case .matched, .missingThere: add(finding.record) { $0.recorded += $1 }
        case .differing: add(finding.other ?? finding.record) { $0.recorded += $1 }
        case .missingHere, .repeated, .contradicting: break
        }
        if finding.kind != .matched { findings.append(finding) }
    }

    /// True when both sides have the same.
    public var isClean: Bool { totals.keys.allSatisfy { $0.kind == .matched || $0.kind == .repeated } }

    /// A row for each class and currency: events, and the amounts of both sides.
    public func sheet(sequence: UInt64) -> Sheet {
        let order = Dictionary(uniqueKeysWithValues: Class.allCases.enumerated().map { ($0.element, $0.offset) })
        let groups = totals.sorted { a, b in
            (order[a.key.kind] ?? 0, a.key.currency) < (order[b.key.kind] ?? 0, b.key.currency)
        }
        let rows = groups.map { group, total in
            Sheet.Row(
                codes: [UInt32(group.currency)],
                values: [
                    .text(group.kind.rawValue), .whole(total.events), .money(total.listed), .money(total.recorded),
                    .money(total.listed - total.recorded),
                ])
        }
        var sheet = Sheet(
            dimensions: [.currency],
            columns: [
                .init("class", isNumeric: false), .init("events"), .init("amount_listed"), .init("amount_recorded"),
                .init("amount_difference"),
            ], rows: rows, sequence: sequence)
        sheet.drawnColumn = 1
        return sheet
    }
}
