import Foundation
import Ledger
import Reference
import Service
import Transactions

/// Reference data of a ledger, by whoever can answer.
extension LedgerAccess: AskedLedger {
    /// The texts of all that was said about entries of some kinds, in order.
    func statements(of kinds: Set<ReferenceKind>) async throws -> [String] {
        let words = kinds.map(\.name)
        switch self {
        case .files(let view): return view.statements(ofKinds: words)
        case .daemon: return try await ask(.statements(kinds: words))
        }
    }

    /// The business day of this moment, unless another is named.
    func today(or day: CalendarDay?) async throws -> CalendarDay {
        if let day { return day }
        var calendar: BusinessCalendar
        switch self {
        case .files(let view): calendar = try view.settings.calendar()
        case .daemon: calendar = try await status().calendar()
        }
        return calendar.dayAndHour(ofMicroseconds: nowMicroseconds()).day
    }

    /// All names of a space by their codes.
    func allNames(in space: NameSpace) async throws -> [UInt32: String] {
        switch self {
        case .files(let view): view.names(of: space)
        case .daemon: try await ask(.allNames(space: space.rawValue))
        }
    }

    /// The codes of those names that have one.
    func knownCodes(for names: Set<Name>) async throws -> [Name: UInt32] {
        var codes: [Name: UInt32] = [:]
        for (space, names) in Dictionary(grouping: names, by: \.space) {
            for piece in pieces(names, byteCount: { $0.text.utf8.count }) {
                for (name, code) in zip(piece, try await self.codes(of: piece.map(\.text), in: space)) {
                    codes[name] = code
                }
            }
        }
        return codes
    }

    /// Gives codes to names, durably. Only where the ledger is open for writing.
    func define(_ definitions: [NameDefinition]) async throws -> [UInt32] {
        var codes: [UInt32] = []
        for piece in pieces(definitions, byteCount: { $0.text.utf8.count }) {
            switch self {
            case .files(let view):
                guard let ledger = view as? Ledger else { preconditionFailure("opened for reading") }
                codes += try await ledger.define(piece)
            case .daemon: codes += try await ask(.define(piece)) as [UInt32]
            }
        }
        return codes
    }

    /// Makes statements durable.
    func state(_ statements: [ReferenceStatement]) async throws {
        _ = try await define(statements.map { NameDefinition(.statement, $0.text) })
    }

    /// Cuts a list so that each piece fits into one query, also when all its bytes are escaped.
    private func pieces<Element>(_ elements: [Element], byteCount: (Element) -> Int) -> [[Element]] {
        var pieces: [[Element]] = []
        var room = 0
        for element in elements {
            let needed = 2 * byteCount(element) + 64
            if needed > room {
                pieces.append([])
                room = 48 << 10
            }
            pieces[pieces.count - 1].append(element)
            room -= needed
        }
        return pieces
    }
}

/// Microseconds since 1970-01-01 UTC.
func nowMicroseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }

extension LedgerStatus {
    fileprivate func calendar() throws -> BusinessCalendar {
        guard let zone = TimeZone(identifier: timeZone) else { throw LedgerError.unknownTimeZone(timeZone) }
        let parts = cutover.split(separator: ":").compactMap { Int($0) }
        return BusinessCalendar(timeZone: zone, cutoverMinutes: parts.count == 2 ? parts[0] * 60 + parts[1] : 0)
    }
}
