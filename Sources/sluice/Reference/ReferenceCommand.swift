import ArgumentParser
import Reference

struct ReferenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference", abstract: "What is known about sources, payees, services, regions and the like.",
        discussion: """
            Entries have attributes, such as a service's agency or a region's area, each with the day from which on a \
            value is valid; what was before is kept. Statistics can be asked by them: 'sluice daily --by \
            service.agency --where region.area=south'. Offerings say which services are offered online where, since \
            when, and how fully: 'sluice offerings' counts them. docs/reference.md has more.

            KINDS
              \(ReferenceKind.names.joined(separator: ", "))

            EXAMPLES
              sluice reference import institutions banks.csv --data ledger
              sluice reference import regions provinces.csv --code code --from 2025-07-01
              sluice reference set region 'Hà Giang' merged_into='Tuyên Quang' area=north \\
                --from 2025-07-01
              sluice reference list regions --at 2025-06-30
            """,
        subcommands: [ReferenceImportCommand.self, ReferenceListCommand.self, ReferenceSetCommand.self])
}

extension ReferenceKind: ExpressibleByArgument {
    /// In the singular or the plural.
    public init?(argument: String) { self.init(word: argument) }

    /// The words for error texts.
    public static var allValueStrings: [String] { names }
}

/// The entry whose name or code someone wrote.
struct EntryText {
    var kind: ReferenceKind
    var text: String

    /// The entry; nil when nothing is called so.
    func entry(in access: LedgerAccess) async throws -> ReferenceEntry? {
        guard let space = kind.space else { return kind.ownCode(of: text).map { ReferenceEntry($0) } }
        let code = try await access.codes(of: [text], in: space)[0]
        return (code ?? UInt32(text).flatMap { (1...space.largestCode).contains($0) ? $0 : nil }).map {
            ReferenceEntry($0)
        }
    }
}
