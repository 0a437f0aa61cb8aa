import Transactions

@testable import Reference

/// A date of the tests, `yyyy-MM-dd`.
func day(_ text: String) -> CalendarDay { CalendarDay(text)! }

extension ReferenceBook {
    /// A book of statements about codes, each `code attribute value [from]`, of one kind.
    init(_ kind: ReferenceKind, _ lines: [(UInt32, String, String, String?)]) {
        self.init()
        say(kind, lines)
    }

    mutating func say(_ kind: ReferenceKind, _ lines: [(UInt32, String, String, String?)]) {
        for (code, attribute, value, from) in lines {
            add(
                ReferenceStatement(
                    kind, ReferenceEntry(code), attribute, value, from: from.map(day), momentMicroseconds: 1))
        }
    }
}
