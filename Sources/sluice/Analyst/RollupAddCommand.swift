import ArgumentParser
import Formats
import Ledger
import Presentation
import Rollups
import Storage
import Transactions

struct RollupAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Keep further statistics from now on.",
        discussion: """
            What the ledger already holds is counted from the log in the background while records come in, and the \
            rollup answers once it is whole: 'sluice rollup list' tells how far it is. Without a daemon the command \
            fills it before it ends. Statistics of money are kept by currency, whether that is said or not. A month's \
            cells are few and answer questions about whole months.

            EXAMPLES
              sluice rollup add region_services --by region,service --data ledger
              sluice rollup add months --by region --grain month \\
                --measures attempts,approved,amount
              sluice rollup add recent_payees --by payee,outcome --measures attempts \\
                --keep-days 90 --wait
            """)

    @Argument(help: "Its name: lower case letters, digits and underscores.") var name: String
    @Option(help: "Dimensions, with commas between; may be empty.") var by: String
    @Option(help: "Measures, with commas between; all that can be kept when absent.") var measures: String?
    @Option(help: "The span of one cell: \(RollupDeclaration.Grain.allCases.map(\.rawValue).joined(separator: ", ")).")
    var grain = RollupDeclaration.Grain.day
    @Option(help: "Business days that are kept, up to the last that has any event; all when absent.")
    var keepDays: Int?
    @Flag(help: "Where a daemon fills it, wait until it is whole.") var wait = false
    @OptionGroup var data: DataOption

    func validate() throws {
        if let keepDays, !RollupStatement.retentionDays.contains(keepDays) {
            throw ValidationError(
                "--keep-days is \(RollupStatement.retentionDays.lowerBound) to \(RollupStatement.retentionDays.upperBound)"
            )
        }
    }

    func run() async throws {
        try await reportingErrors {
            let declaration = try declaration()
            try await LedgerAccess.with(data, forWriting: true) { access in
                let kept = try await access.rollups()
                if let known = kept.first(where: { $0.declaration.name == name }) {
                    throw UsageError("there is a rollup '\(name)' already: \(known.stateWords)")
                }
                guard kept.count(where: { $0.code != nil }) < RollupStatement.largestCount else {
                    throw UsageError(
                        "\(RollupStatement.largestCount) rollups are declared already, the limit; drop one of them first"
                    )
                }
                let statement = RollupStatement(
                    keeping: declaration, retentionDays: keepDays, momentMicroseconds: nowMicroseconds())
                let code = try await access.define([NameDefinition(.statement, statement.text)])[0]
                try await tell(access, code)
            }
        }
    }

    /// Fills it or watches it being filled, and says how it is.
    private func tell(_ access: LedgerAccess, _ code: UInt32) async throws {
        let progress = ProgressLine()
        defer { progress.finish() }
        if case .files(let view) = access, let ledger = view as? Ledger {
            try ledger.fillRollups { rollups in show(rollups, progress) }
        }
        var state = try await own(access, code)
        while wait, state.fill != nil, state.failure == nil {
            try await Task.sleep(for: .milliseconds(200))
            state = try await own(access, code)
            show([state], progress)
        }
        progress.finish()
        if let failure = state.failure {
            throw InputOutputError(
                "the rollup \(name) cannot be filled, and answers nothing until it can; 'sluice rollup drop \(name)' ends "
                    + "that: \(failure)")
        }
        try emit("\(name): \(state.stateWords)\n")
    }

    private func show(_ rollups: [KeptRollup], _ progress: ProgressLine) {
        guard let own = rollups.first(where: { $0.declaration.name == name }) else { return }
        progress.show("\(name): \(own.stateWords)")
    }

    /// The rollup that this statement declared, and nobody else's.
    private func own(_ access: LedgerAccess, _ code: UInt32) async throws -> KeptRollup {
        let rollups = try await access.rollups()
        if let own = rollups.first(where: { $0.code == code }) { return own }
        let isTaken = rollups.contains { $0.declaration.name == name }
        throw UsageError(
            isTaken
                ? "somebody else has declared a rollup '\(name)' at the same time, and that one is kept"
                : "the rollup '\(name)' is not kept: somebody has dropped it, or declared the last one that may be")
    }

    private func declaration() throws -> RollupDeclaration {
        if let fault = RollupStatement.fault(ofName: name) { throw UsageError(fault) }
        var dimensions: [Dimension] = try words(by, "--by")
        let measures: [Measure] = try measures.map { try words($0, "--measures") } ?? Measure.kept
        if measures.contains(where: \.isMoney), !dimensions.contains(.currency) { dimensions.insert(.currency, at: 0) }
        if let unkept = dimensions.first(where: { !$0.isKept }) {
            throw UsageError("no rollup can have \(unkept.name): it is counted from the records")
        }
        if grain == .hour, !dimensions.contains(.hour) { dimensions.append(.hour) }
        if grain == .day, dimensions.contains(.hour) { throw UsageError("cells by hour have --grain hour") }
        do {
            return try RollupDeclaration(
                name: name, dimensions: dimensions, measures: measures, isMonthly: grain == .month)
        } catch {
            throw UsageError("\(error)")
        }
    }

    private func words<Word: Vocabulary>(_ text: String, _ option: String) throws -> [Word] {
        try text.split(separator: ",").map { part in
            guard let word = Word(name: part) else {
                throw UsageError(
                    "\(option): '\(part)' is none of them\(Nearest.suggestion(String(part), among: Word.names))")
            }
            return word
        }
    }
}

extension RollupDeclaration.Grain: ExpressibleByArgument {}

struct RollupDropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop", abstract: "Keep a declared rollup no more.",
        discussion: """
            Its figures are removed from the catalogue; the records stay, and questions are answered from them.

            EXAMPLES
              sluice rollup drop region_services --data ledger
            """)

    @Argument(help: "Its name.") var name: String
    @OptionGroup var data: DataOption

    func run() async throws {
        try await reportingErrors {
            try await LedgerAccess.with(data, forWriting: true) { access in
                let kept = try await access.rollups()
                guard let known = kept.first(where: { $0.declaration.name == name }) else {
                    let names = kept.filter { $0.code != nil }.map(\.declaration.name)
                    throw UsageError("there is no rollup '\(name)'\(Nearest.suggestion(name, among: names))")
                }
                guard known.code != nil else {
                    throw UsageError("'\(name)' is one of the rollups that every ledger keeps")
                }
                let statement = RollupStatement(dropping: name, momentMicroseconds: nowMicroseconds())
                _ = try await access.define([NameDefinition(.statement, statement.text)])
                _ = try await access.rollups()
                try emit("dropped \(name)\n")
            }
        }
    }
}
