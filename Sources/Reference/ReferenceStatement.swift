import Transactions

/// One thing that someone said about an entry: that an attribute has a value from a day on.
///
/// In the log it is one line of text, its parts with tabs between, and kept like a name:
///
/// | part | content |
/// |---|---|
/// | kind | source, institution, payee, service, region, outcome, channel, offering |
/// | entry | the code in decimal digits; of an offering those of agency, service and region with slashes between |
/// | attribute | its name |
/// | value | empty: from that day on it has none |
/// | from | the first business day, `yyyy-MM-dd`; empty: always |
/// | moment | when it was said, microseconds since 1970-01-01 UTC in decimal digits, which tells it from an earlier one |
public struct ReferenceStatement: Hashable, Sendable {
    /// What kind of entry it is about.
    public var kind: ReferenceKind
    /// The entry.
    public var entry: ReferenceEntry
    /// The attribute's name.
    public var attribute: String
    /// The value; empty: none.
    public var value: String
    /// The first business day; nil: always.
    public var from: CalendarDay?
    /// When it was said, microseconds since 1970-01-01 UTC.
    public var momentMicroseconds: Int64

    /// The longest value in UTF-8 bytes.
    public static let largestValueByteCount = 1024
    /// The longest name of an attribute in UTF-8 bytes.
    public static let largestAttributeByteCount = 63

    /// A statement from its parts.
    public init(
        _ kind: ReferenceKind, _ entry: ReferenceEntry, _ attribute: String, _ value: String, from: CalendarDay?,
        momentMicroseconds: Int64
    ) {
        self.kind = kind
        self.entry = entry
        self.attribute = attribute
        self.value = value
        self.from = from
        self.momentMicroseconds = momentMicroseconds
    }

    /// Reads the text of the log; nil when it is no statement of this version.
    public init?(text: String) {
        let parts = text.split(separator: "\t", omittingEmptySubsequences: false)
        guard parts.count == 6, let kind = ReferenceKind(name: parts[0]),
            let entry = ReferenceEntry(parts[1], kind: kind), let moment = Int64(parts[5])
        else { return nil }
        let from = CalendarDay(parts[4])
        guard from != nil || parts[4].isEmpty else { return nil }
        self.init(kind, entry, String(parts[2]), String(parts[3]), from: from, momentMicroseconds: moment)
    }

    /// The text of the log.
    public var text: String {
        [kind.name, "\(entry)", attribute, value, from?.description ?? "", "\(momentMicroseconds)"]
            .joined(separator: "\t")
    }

    /// What is wrong with a name for an attribute; nil: nothing.
    public static func fault(ofAttribute name: String) -> String? {
        let isUsable = name.unicodeScalars.allSatisfy {
            !$0.properties.isWhitespace && $0.properties.generalCategory != .control
                && !".,=".unicodeScalars.contains($0)
        }
        guard !name.isEmpty, name.utf8.count <= largestAttributeByteCount, isUsable else {
            return "'\(name)' is no name for an attribute; expected 1 to \(largestAttributeByteCount) bytes without "
                + "blanks, points, commas and equals signs"
        }
        return nil
    }

    /// What is wrong with a value; nil: nothing.
    public static func fault(ofValue value: String) -> String? {
        if value.utf8.count > largestValueByteCount {
            return "has \(value.utf8.count) bytes; expected at most \(largestValueByteCount)"
        }
        let hasControl = value.unicodeScalars.contains { $0.properties.generalCategory == .control }
        return hasControl ? "has a line break or another control character" : nil
    }
}
