import Rollups
import Storage
import Transactions

/// Declared rollups are not whole, and what is counted for them cannot be saved. Whoever holds the ledger next goes on.
public struct UnfilledError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Why it cannot be saved.
    public var reason: String

    /// The reason, and what becomes of them.
    public var description: String {
        "rollups that were declared are not whole and answer nothing yet, because statistics cannot be saved: \(reason). "
            + "Whoever next opens the ledger to write, a daemon or 'sluice rebuild', goes on with them"
    }
}

extension NameRegistry {
    /// The rollups that someone declared and nobody dropped since.
    var declaredRollups: [KeptRollup] {
        RollupStatement.declared(by: names(of: .statement).map { (code: $0.key, text: $0.value) })
    }
}

extension Catalogue {
    /// What it holds of declared rollups, each with the words of the statement that has its code. One whose statement is not
    /// to be found is not there for anyone.
    func keptRollups(_ statement: (UInt32) -> String?) throws -> [KeptRollup] {
        try declared().compactMap { row in
            guard let statement = statement(row.code).flatMap(RollupStatement.init(text:)),
                let declaration = statement.declaration, declaration.name == row.name
            else { return nil }
            return KeptRollup(
                declaration, code: row.code, retentionDays: statement.retentionDays, keptFrom: row.keptFrom,
                fill: row.isWhole ? nil : KeptRollup.Fill(sequence: row.filledTo, end: row.fillEnd))
        }
    }
}

extension Catalogue.NamedCode {
    /// True when it says something about rollups.
    var isRollupStatement: Bool { name.space == .statement && name.text.hasPrefix(RollupStatement.kind + "\t") }
}
