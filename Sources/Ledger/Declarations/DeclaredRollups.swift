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

extension [KeptRollup] {
    /// These instead of others: what is kept of each, and what changes in the catalogue with a checkpoint.
    func kept(
        insteadOf others: [KeptRollup], from checkpoint: UInt64
    ) -> (rollups: [KeptRollup], change: Catalogue.DeclarationChange) {
        var change = Catalogue.DeclarationChange()
        change.ended = others.filter { other in !contains { $0.code == other.code } }.map(Catalogue.Declared.init)
        let rollups = map { rollup in
            if let known = others.first(where: { $0.code == rollup.code }) { return known }
            var new = rollup
            new.fill = checkpoint > 0 ? KeptRollup.Fill(sequence: 0, end: checkpoint) : nil
            change.begun.append(Catalogue.Declared(new))
            return new
        }
        return (rollups, change)
    }

    /// These, each as it has become meanwhile.
    func asTheyAre(in others: [KeptRollup]) -> [KeptRollup] {
        map { rollup in others.first { $0.code == rollup.code } ?? rollup }
    }

    mutating func change(_ code: UInt32?, _ body: (inout KeptRollup) -> Void) {
        for place in indices where self[place].code == code { body(&self[place]) }
    }

    /// Chunks without those of days that these have let go.
    func withoutOldDays(_ chunks: [Catalogue.Chunk]) -> [Catalogue.Chunk] {
        let first = reduce(into: [:]) { $0[$1.declaration.name] = $1.keptFrom }
        return chunks.filter { chunk in first[chunk.rollup].map { chunk.day >= $0 } ?? true }
    }
}

extension Catalogue.Declared {
    /// What the catalogue holds of a declared rollup.
    init(_ rollup: KeptRollup) {
        guard let code = rollup.code else { preconditionFailure("\(rollup.declaration.name) was not declared") }
        self.init(code: code, name: rollup.declaration.name, fillEnd: rollup.fill?.end ?? 0)
        filledTo = rollup.fill?.sequence ?? 0
        keptFrom = rollup.keptFrom
    }
}

extension Catalogue.Chunk {
    init(_ chunk: RollupChunk) {
        self.init(rollup: chunk.rollup.name, day: chunk.day, sequences: chunk.sequences, bytes: chunk.encoded())
    }
}
