import Rollups
import Storage
import Transactions

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
