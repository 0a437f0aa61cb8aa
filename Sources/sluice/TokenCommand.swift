import Access
import ArgumentParser
import Foundation
import Ledger
import Presentation
import Storage
import Transactions

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Say who may do what with the daemon.",
        discussion: """
            A grant says what a client may do: send transactions of certain sources, read statistics and transactions, \
            see how the daemon does. The client is known by a token, or with --certificate by the name of its \
            certificate. The daemon sees what is granted and taken back within a second or two, without a restart.

            EXAMPLES
              sluice token create --data ledger --name shop-gateway --send shop \\
                --send portal --expires 90d
              sluice token create --data ledger --name dashboards --read
              sluice token create --data ledger --name gate --send '*' \\
                --certificate gate.example
              sluice token list --data ledger
              sluice token revoke --data ledger 3f9a1c20
            """,
        subcommands: [TokenCreateCommand.self, TokenListCommand.self, TokenRevokeCommand.self])
}

struct TokenCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Grant something to a client, and print its token.",
        discussion: """
            The token is shown once: written to --output, a new file for its owner alone, or printed on standard output and \
            alone. The ledger keeps a salted hash of it. HTTP clients send it as 'Authorization: Bearer TOKEN', stream \
            clients in a frame before their hello (docs/protocol.md).

            EXAMPLES
              sluice token create --data ledger --name shop-gateway --send shop \\
                --expires 90d --output gateway.token
              sluice token create --data ledger --name gate --send '*' --rate 50000 \\
                --certificate gate.example
            """)

    @OptionGroup var data: DataOption
    @Option(help: "What people call the client: 1 to 64 characters.") var name: String
    @Option(
        help: ArgumentHelp(
            "A source that it may send for, by name; '*' for all, '#CODE' for one without a name. May be repeated.",
            valueName: "source"))
    var send: [String] = []
    @Flag(help: "It may ask for statistics, transactions and the ledger's status.") var read = false
    @Flag(help: "It may see the daemon's metrics and the ledger's status.") var operate = false
    @Option(help: "How long the grant holds: 12h, 90d, or a date such as 2027-01-31 (its end, UTC); absent: for ever.")
    var expires: Expiry?
    @Option(
        help: ArgumentHelp(
            "The client is known by a certificate with this name, signed by the authority of --client-ca; it gets no token.",
            valueName: "name"))
    var certificate: String?
    @Option(help: ArgumentHelp("The most records a second that are taken from it.", valueName: "records")) var rate:
        Int?
    @Option(help: "The most stream connections that it may have at a time.") var connections: Int?
    @Option(
        help: ArgumentHelp(
            "A new file for the token, which its owner alone may read; '-', or absent: standard output.",
            valueName: "file"))
    var output: String?

    func validate() throws {
        guard !scopes.isEmpty else { throw ValidationError("nothing is granted: add --send, --read or --operate") }
        guard (1...64).contains(name.count), !name.contains(where: \.isNewline) else {
            throw ValidationError("--name has 1 to 64 characters")
        }
        guard rate ?? 1 > 0, connections ?? 1 > 0 else {
            throw ValidationError("--rate and --connections are at least 1")
        }
        for source in send where source != "*" {
            guard (1...255).contains(source.utf8.count), source == source.trimmingCharacters(in: .whitespaces) else {
                throw ValidationError("--send '\(source)': a source's name has 1 to 255 bytes, no blanks around them")
            }
            guard !source.contains("*") else {
                throw ValidationError("--send '\(source)': expected the name of one source, or '*' alone for all")
            }
            guard source.first != "#" || UInt16(source.dropFirst()).map({ 1...0x7FFF ~= $0 }) ?? false else {
                throw ValidationError("--send '\(source)': behind # a code from 1 to 32767 was expected")
            }
        }
        guard certificate?.isEmpty != true else { throw ValidationError("--certificate is the name of a certificate") }
        guard certificate == nil || output == nil else {
            throw ValidationError("--output is for a token; a client with --certificate gets none")
        }
    }

    private var scopes: [Scope] {
        send.map { $0 == "*" ? .sendAll : .send(source: $0) } + (read ? [.read] : []) + (operate ? [.operate] : [])
    }

    func run() async throws {
        try await reportingErrors {
            let files = try data.files().existing()
            let token = BearerToken()
            let grant = Grant(
                id: token.grantID, name: name,
                credential: certificate.map { .certificate(name: $0) } ?? .token(.init(of: token)), scopes: scopes,
                created: Date(), expires: expires?.date(from: Date()), recordsPerSecond: rate, connections: connections)
            try keeping(token) { try add(grant, to: files) }
            complain(
                "granted \(grant.scopes.map(\.description).joined(separator: ", ")) to \(grant.name), number \(grant.id), \(grant.expires.map { "until \(moment($0))" } ?? "for ever")"
            )
            if certificate == nil && output ?? "-" == "-" { try emit(token.text + "\n") }
        }
    }

    /// Has the token on the disk before it is granted, and no more when it was not.
    private func keeping(_ token: BearerToken, _ grant: () throws -> Void) throws {
        guard let output, output != "-" else { return try grant() }
        let disk = DiskFileSystem()
        let file = try disk.open(output, .createSecret)
        do {
            try Array((token.text + "\n").utf8).withUnsafeBytes { try file.write($0, at: 0) }
            try file.synchronise()
            try grant()
        } catch {
            try? disk.remove(output)
            throw error
        }
    }

    private func add(_ grant: Grant, to files: LedgerFiles) throws {
        try GrantFile(path: files.grants).change { grants in
            if let certificate, grants.contains(where: { $0.isValid(forCertificate: certificate) }) {
                throw AccessError("the certificate name '\(certificate)' has a grant already; revoke it first")
            }
            guard !grants.contains(where: { $0.id == grant.id }) else {
                throw AccessError("the number \(grant.id) was drawn twice; try again")
            }
            // Noted before it is done: an act without its note cannot be.
            try AuditLog(path: files.auditLog).note(
                .tokenCreated, by: currentUser(), subject: "\(grant.id) (\(grant.name))",
                detail: grant.scopes.map(\.description).joined(separator: " "))
            grants.append(grant)
        }
    }
}

struct TokenListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show what is granted to whom.",
        discussion: """
            EXAMPLES
              sluice token list --data ledger
              sluice token list --data ledger --format json
            """)

    @OptionGroup var data: DataOption
    @Option(help: "How to print it.") var format = OutputFormat.table

    func run() async throws {
        try await reportingErrors {
            let grants = try GrantFile(path: data.files().existing().grants).grants()
            let now = Date()
            guard !grants.isEmpty || format != .table else { return try emit("nothing is granted\n") }
            let names = ["number", "name", "known_by", "state", "scopes", "created", "expires"]
            let report = Report(
                columns: names.map { .init($0, isNumeric: false) }
                    + ["records_per_second", "connections"].map { .init($0, isNumeric: true) },
                rows: grants.map { grant in
                    [
                        .text(grant.id), .text(grant.name), .text(grant.credential.text),
                        .text(grant.state(at: now).rawValue),
                        .text(grant.scopes.map(\.description).joined(separator: " ")), .text(moment(grant.created)),
                        grant.expires.map { .text(moment($0)) } ?? .none,
                        grant.recordsPerSecond.map { .count(Int128($0)) } ?? .none,
                        grant.connections.map { .count(Int128($0)) } ?? .none,
                    ]
                })
            try emit(report.rendered(as: format))
        }
    }
}

struct TokenRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take a grant back.",
        discussion: """
            A running daemon refuses the client within a second or two and ends its connections. What it sent before \
            stays.

            EXAMPLE
              sluice token revoke --data ledger 3f9a1c20
            """)

    @OptionGroup var data: DataOption
    @Argument(help: "The grant's number, as 'sluice token list' shows it.") var number: String

    func run() async throws {
        try await reportingErrors {
            let files = try data.files().existing()
            let name = try GrantFile(path: files.grants).change { grants in
                guard let index = grants.firstIndex(where: { $0.id == number.lowercased() }) else {
                    throw UsageError("there is no grant \(number); 'sluice token list' shows those that there are")
                }
                guard grants[index].revoked == nil else {
                    throw UsageError("the grant \(number) was revoked already, on \(moment(grants[index].revoked!))")
                }
                try AuditLog(path: files.auditLog).note(
                    .tokenRevoked, by: currentUser(), subject: "\(grants[index].id) (\(grants[index].name))")
                grants[index].revoked = Date()
                return grants[index].name
            }
            complain("revoked \(number) of \(name)")
        }
    }
}

/// How long something holds: a number of hours or days, or up to the end of a date.
struct Expiry: ExpressibleByArgument {
    private enum Form {
        case seconds(Double)
        case date(Date)
    }
    private let form: Form

    init?(argument: String) {
        if let unit = argument.last, let length = ["h": 3600.0, "d": 86_400][unit],
            let number = Int(argument.dropLast()), (1...100_000).contains(number)
        {
            form = .seconds(Double(number) * length)
        } else if let day = CalendarDay(argument) {
            form = .date(Date(timeIntervalSince1970: Double(day.daysSince1970 + 1) * 86_400))
        } else {
            return nil
        }
    }

    func date(from now: Date) -> Date {
        switch form {
        case .seconds(let seconds): now.addingTimeInterval(seconds)
        case .date(let date): date
        }
    }
}

private func moment(_ date: Date) -> String { date.formatted(.iso8601) }

extension Grant.Credential {
    fileprivate var text: String {
        switch self {
        case .token: "token"
        case .certificate(let name): "certificate \(name)"
        }
    }
}

extension Grant {
    fileprivate func isValid(forCertificate name: String) -> Bool {
        guard case .certificate(let own) = credential else { return false }
        return own.lowercased() == name.lowercased() && state(at: Date()) == .valid
    }
}
