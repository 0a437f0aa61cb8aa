import ArgumentParser
import Foundation
import Presentation

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "See what the daemon is told to do, and whether that fits together.",
        discussion: """
            Each setting of the daemon may be said by a flag (--idle-seconds 30), by the environment \
            (SLUICE_IDLE_SECONDS=30), or in a JSON file ({"idle-seconds": 30}); a flag goes before the environment, and \
            that before the file. The file is the one of --config or SLUICE_CONFIG, else sluice.json in the ledger's \
            directory when it is there.

            EXAMPLES
              sluice config show --data ledger
              sluice config check --config sluice.json
            """,
        subcommands: [ConfigShowCommand.self, ConfigCheckCommand.self])
}

struct ConfigShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print every setting, its value, and where that was said.",
        discussion: """
            Takes the flags of 'sluice serve'. No setting is a secret: those are in files, which settings name.

            EXAMPLES
              sluice config show --data ledger
              SLUICE_HTTP=127.0.0.1:7580 sluice config show --data ledger --format json
            """)

    @OptionGroup var options: DaemonOptions
    @Option(help: "How to print it.") var format = OutputFormat.table

    func run() async throws {
        try await reportingErrors {
            let values = try await options.values()
            let report = Report(
                columns: ["setting", "value", "said_by", "holds_after"].map { .init($0, isNumeric: false) },
                rows: Setting.allCases.map { setting in
                    let value = values[setting]
                    return [
                        .text(setting.name), value.map { .text($0.text) } ?? .none,
                        value.map { .text("\($0.origin)") } ?? .none,
                        .text(setting.isReloadable ? "SIGHUP" : "restart"),
                    ]
                })
            try emit(report.rendered(as: format))
        }
    }
}

struct ConfigCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "See that the daemon could start with these settings.",
        discussion: """
            Takes the flags of 'sluice serve'. Sees that there is a ledger, reads the certificate, the mappings, the grants and the token keys as \
            well, and listens nowhere. Exit code 64 when something is wrong, which is named.

            EXAMPLES
              sluice config check --data ledger
              sluice config check --config sluice.json --https 0.0.0.0:7443
            """)

    @OptionGroup var options: DaemonOptions

    func run() async throws {
        try await reportingErrors {
            let values = try await options.values()
            let settings = try DaemonSettings(values)
            _ = try settings.files.existing()
            _ = try settings.readMappings()
            _ = try settings.readCertificate { _ in }
            _ = try settings.readGrants()
            _ = try settings.readTokenKeys()
            try emit("the settings fit together\(values.file.map { "; \($0) was read" } ?? "")\n")
        }
    }
}
