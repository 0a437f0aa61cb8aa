import ArgumentParser
import Formats
import Foundation
import Ledger
import Presentation
import Reference
import Transactions

struct ReferenceSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Say what an entry's attributes are.",
        discussion: """
            The entry goes by its name or its code. A value is valid from --from on, else always, until the next day \
            from which another is; one that is empty ends it. What was said before stays in the ledger.

            EXAMPLES
              sluice reference set service 'Cấp hộ chiếu' agency='Bộ Công an' --data ledger
              sluice reference set region 'Hà Giang' merged_into='Tuyên Quang' \\
                --from 2025-07-01
              sluice reference set institution ABBANK bin=970425 short_name=ABB --new
            """)

    @Argument(help: "What it is, such as region.") var kind: ReferenceKind
    @Argument(help: "Its name or code.") var name: String
    @Argument(help: ArgumentHelp("Attributes and their values.", valueName: "attribute=value"))
    var assignments: [String]
    @OptionGroup var data: DataOption
    @Option(help: "The first business day of the values (yyyy-MM-dd); always when absent.") var from: CalendarDay?
    @Flag(help: "Make the name known when it is not.") var new = false

    func run() async throws {
        try await reportingErrors {
            guard kind != .offering else { throw UsageError("offerings come from a file: sluice reference import") }
            let values = try assignments.map(value)
            try await LedgerAccess.with(data, forWriting: true) { access in
                let entry = try await entry(access)
                let (book, now) = (try await access.book(of: [kind]), nowMicroseconds())
                let statements = values.map {
                    ReferenceStatement(kind, entry, $0.attribute, $0.value, from: from, momentMicroseconds: now)
                }
                let said = statements.filter { !book.says($0) }
                try await access.state(said)
                try emit("\(counted(said.count, "new value"))\n")
            }
        }
    }

    private func entry(_ access: LedgerAccess) async throws -> ReferenceEntry {
        if let entry = try await EntryText(kind: kind, text: name).entry(in: access) { return entry }
        guard let space = kind.space else {
            let known = kind == .outcome ? Outcome.names : Channel.names
            throw UsageError("'\(name)' is no \(kind.name)\(Nearest.suggestion(name, among: known))")
        }
        guard new else {
            let known = try await access.allNames(in: space).values
            throw UsageError(
                "the ledger knows no \(kind.name) '\(name)'\(Nearest.suggestion(name, among: known)); --new makes it known"
            )
        }
        return ReferenceEntry(try await access.define([NameDefinition(space, name)])[0])
    }

    private func value(_ assignment: String) throws -> (attribute: String, value: String) {
        guard let separator = assignment.firstIndex(of: "=") else {
            throw UsageError("'\(assignment)': expected attribute=value, such as area=south")
        }
        let attribute = String(assignment[..<separator])
        let value = assignment[assignment.index(after: separator)...].trimmingCharacters(in: .whitespaces)
        if let fault = ReferenceStatement.fault(ofAttribute: attribute) { throw UsageError(fault) }
        if let fault = ReferenceStatement.fault(ofValue: value) { throw UsageError("\(attribute): \(fault)") }
        return (attribute, value)
    }
}
