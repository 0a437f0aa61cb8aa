import Transactions

/// What someone said about the rollups of a ledger: that one is to be kept from now on, or no more.
///
/// In the log it is one line of text, its parts with tabs between, and kept like a name:
///
/// | part | content |
/// |---|---|
/// | kind | `rollup` |
/// | name | the rollup's |
/// | grain | `hour`, `day` or `month`; empty: it is dropped |
/// | dimensions | names with commas between |
/// | measures | names with commas between |
/// | retention | days in decimal digits; empty: all are kept |
/// | moment | when it was said, microseconds since 1970-01-01 UTC in decimal digits, which tells it from an earlier one |
public struct RollupStatement: Hashable, Sendable {
    /// The first part of every such text.
    public static let kind = "rollup"
    /// Rollups that may be declared at a time: each is counted for every record.
    public static let largestCount = 16
    /// The longest name of a declared rollup in bytes.
    public static let largestNameByteCount = 63
    /// Days that may be kept: a century.
    public static let retentionDays = 1...36_525

    /// The rollup's name.
    public var name: String
    /// What it is; nil: it is dropped.
    public var declaration: RollupDeclaration?
    /// So many business days are kept; nil: all.
    public var retentionDays: Int?
    /// When it was said, microseconds since 1970-01-01 UTC.
    public var momentMicroseconds: Int64

    /// `declaration` is to be kept.
    public init(keeping declaration: RollupDeclaration, retentionDays: Int?, momentMicroseconds: Int64) {
        (name, self.declaration) = (declaration.name, declaration)
        (self.retentionDays, self.momentMicroseconds) = (retentionDays, momentMicroseconds)
    }

    /// The rollup called `name` is dropped.
    public init(dropping name: String, momentMicroseconds: Int64) {
        (self.name, self.momentMicroseconds) = (name, momentMicroseconds)
    }

    /// Reads the text of the log; nil when it is no statement of this version.
    public init?(text: String) {
        let parts = text.split(separator: "\t", omittingEmptySubsequences: false)
        guard parts.count == 7, parts[0] == Self.kind, let moment = Int64(parts[6]),
            Self.fault(ofName: String(parts[1])) == nil
        else { return nil }
        if parts[2].isEmpty {
            self.init(dropping: String(parts[1]), momentMicroseconds: moment)
            return
        }
        let dimensions = parts[3].split(separator: ",").map { Dimension(name: $0) }
        let measures = parts[4].split(separator: ",").map { Measure(name: $0) }
        let days = Int(parts[5])
        guard let grain = RollupDeclaration.Grain(rawValue: String(parts[2])), !dimensions.contains(nil),
            !measures.contains(nil), parts[5].isEmpty || days.map(Self.retentionDays.contains) == true,
            let declaration = try? RollupDeclaration(
                name: String(parts[1]), dimensions: dimensions.compactMap(\.self),
                measures: measures.compactMap(\.self), isMonthly: grain == .month),
            declaration.grain == grain, declaration.dimensions.allSatisfy(\.isKept)
        else { return nil }
        self.init(keeping: declaration, retentionDays: days, momentMicroseconds: moment)
    }

    /// The text of the log.
    public var text: String {
        [
            Self.kind, name, declaration?.grain.rawValue ?? "",
            declaration?.dimensions.map(\.name).joined(separator: ",") ?? "",
            declaration?.measures.map(\.name).joined(separator: ",") ?? "", retentionDays.map { "\($0)" } ?? "",
            "\(momentMicroseconds)",
        ].joined(separator: "\t")
    }

    /// What is wrong with a name for a declared rollup; nil: nothing.
    public static func fault(ofName name: String) -> String? {
        let bytes = name.utf8
        let isUsable =
            (1...largestNameByteCount).contains(bytes.count) && (97...122).contains(bytes.first!)
            && bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
        guard isUsable else {
            return "'\(name)' is no name for a rollup; expected a letter and up to \(largestNameByteCount - 1) more "
                + "letters, digits and underscores, all lower case"
        }
        if RollupDeclaration.defaults.contains(where: { $0.name == name }) {
            return "'\(name)' is one of the rollups that every ledger keeps; expected another name"
        }
        return nil
    }

    /// The rollups that are to be kept after statements were made, in the order of their codes. One whose name is taken, or
    /// that would be too many, changes nothing, and neither does one that drops what is not there.
    public static func declared(by statements: [(code: UInt32, text: String)]) -> [KeptRollup] {
        var declared: [KeptRollup] = []
        for (code, text) in statements.sorted(by: { $0.code < $1.code }) {
            guard let statement = RollupStatement(text: text) else { continue }
            let known = declared.firstIndex { $0.declaration.name == statement.name }
            switch (statement.declaration, known) {
            case (nil, let known?): declared.remove(at: known)
            case (let declaration?, nil) where declared.count < largestCount:
                declared.append(KeptRollup(declaration, code: code, retentionDays: statement.retentionDays))
            default: break
            }
        }
        return declared
    }
}
