import Formats
import Transactions

/// What a row says, before its names have codes.
struct ReferenceLine {
    /// How a row says which entry it is about.
    enum Subject: Hashable {
        /// A name, which shall have a code if one is given.
        case name(String, code: UInt32?)
        /// A code.
        case code(UInt32)
        /// Names; without a region the offering is everywhere.
        case offering(agency: String, service: String, region: String?)
    }

    var row: Int
    var subject: Subject
    var values: [(attribute: String, value: String)]
    var from: CalendarDay?
    /// The last day of an offering.
    var to: CalendarDay?
}

extension ReferenceColumns {
    /// Reads rows one by one.
    /// - Parameter from: the first day where a row names none.
    /// - Returns: what they say, and what is wrong with the others.
    func lines(_ rows: [CSVTable.Row], from: CalendarDay?) -> (lines: [ReferenceLine], rejects: [RowReject]) {
        var lines: [ReferenceLine] = []
        var rejects: [RowReject] = []
        for row in rows {
            do throws(RowReject) {
                lines.append(try line(row, from: from))
            } catch {
                rejects.append(error)
            }
        }
        return (lines, rejects)
    }

    private func line(_ row: CSVTable.Row, from: CalendarDay?) throws(RowReject) -> ReferenceLine {
        var line = ReferenceLine(row: row.number, subject: try subject(row), values: [])
        line.from = try day(row, self.from) ?? from
        line.to = try day(row, to)
        if let from = line.from, let to = line.to, to < from {
            throw RowReject(row: row.number, field: "to", message: "is before the first day, \(from)")
        }
        for column in attributes {
            let value = row.fields[column]
            let attribute = header[column]
            if kind == .offering, attribute == "level", OfferingLevel(value) == nil {
                throw RowReject(
                    row: row.number, field: attribute,
                    message: "'\(value)' is no level; expected \(OfferingLevel.words.joined(separator: ", "))")
            }
            guard !value.isEmpty else { continue }
            if let fault = ReferenceStatement.fault(ofValue: value) {
                throw RowReject(row: row.number, field: attribute, message: fault)
            }
            line.values.append((attribute, value))
        }
        return line
    }

    private func subject(_ row: CSVTable.Row) throws(RowReject) -> ReferenceLine.Subject {
        if let agency, let service {
            let place = region.map { row.fields[$0] } ?? ""
            return .offering(
                agency: try text(row, agency), service: try text(row, service),
                region: place.isEmpty ? nil : try text(row, region!))
        }
        let code = try self.code.map { column throws(RowReject) in try number(row, column) }
        if let name { return .name(try text(row, name), code: code) }
        return .code(code!)
    }

    private func number(_ row: CSVTable.Row, _ column: Int) throws(RowReject) -> UInt32 {
        let last = kind.space!.firstGivenCode - 1
        guard let code = UInt32(row.fields[column]), (1...last).contains(code) else {
            throw RowReject(
                row: row.number, field: header[column],
                message: "'\(row.fields[column])' is no own code of a \(kind.name); expected a number from 1 to \(last)"
            )
        }
        return code
    }

    private func text(_ row: CSVTable.Row, _ column: Int) throws(RowReject) -> String {
        let text = row.fields[column]
        if text.isEmpty { throw RowReject(row: row.number, field: header[column], message: "is empty") }
        if text.utf8.count > NameSpace.largestNameByteCount {
            throw RowReject(
                row: row.number, field: header[column],
                message: "has \(text.utf8.count) bytes; expected at most \(NameSpace.largestNameByteCount)")
        }
        if let fault = ReferenceStatement.fault(ofValue: text) {
            throw RowReject(row: row.number, field: header[column], message: fault)
        }
        if kind.space == nil, kind != .offering, kind.ownCode(of: text) == nil {
            let known = kind == .outcome ? Outcome.names : Channel.names
            throw RowReject(
                row: row.number, field: header[column],
                message: "'\(text)' is no \(kind.name)\(Nearest.suggestion(text, among: known))")
        }
        return text
    }

    private func day(_ row: CSVTable.Row, _ column: Int?) throws(RowReject) -> CalendarDay? {
        guard let column, !row.fields[column].isEmpty else { return nil }
        guard let day = CalendarDay(row.fields[column]) else {
            throw RowReject(
                row: row.number, field: header[column], message: "'\(row.fields[column])' is no date yyyy-MM-dd")
        }
        return day
    }
}
