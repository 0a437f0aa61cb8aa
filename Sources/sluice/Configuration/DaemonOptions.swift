import ArgumentParser
import Foundation

/// The flags of the daemon; what none says, the environment or the file may.
struct DaemonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A JSON file with settings (SLUICE_CONFIG when absent, else sluice.json in the ledger's directory).",
            valueName: "file"), completion: .file(extensions: ["json"]))
    var config: String?
    @Option(
        help: ArgumentHelp("The ledger's directory (SLUICE_DATA when absent).", valueName: "directory"),
        completion: .directory)
    var data: String?
    @Option(help: ArgumentHelp(Setting.listen.flagHelp, valueName: "host:port")) var listen: String?
    @Option(help: ArgumentHelp(Setting.listenTLS.flagHelp, valueName: "host:port")) var listenTls: String?
    @Option(help: ArgumentHelp(Setting.http.flagHelp, valueName: "host:port")) var http: String?
    @Option(help: ArgumentHelp(Setting.https.flagHelp, valueName: "host:port")) var https: String?
    @Option(help: ArgumentHelp(Setting.certificate.flagHelp, valueName: "file"), completion: .file())
    var certificate: String?
    @Option(help: ArgumentHelp(Setting.key.flagHelp, valueName: "file"), completion: .file()) var key: String?
    @Option(help: ArgumentHelp(Setting.clientCA.flagHelp, valueName: "file"), completion: .file())
    var clientCa: String?
    @Flag(inversion: .prefixedNo, help: ArgumentHelp(Setting.anonymous.flagHelp)) var anonymous: Bool?
    @Flag(inversion: .prefixedNo, help: ArgumentHelp(Setting.plaintext.flagHelp)) var plaintext: Bool?
    @Option(help: ArgumentHelp(Setting.mappings.flagHelp, valueName: "directory"), completion: .directory)
    var mappings: String?
    @Option(help: ArgumentHelp(Setting.connections.flagHelp, valueName: "number")) var connections: String?
    @Option(help: ArgumentHelp(Setting.idleSeconds.flagHelp, valueName: "seconds")) var idleSeconds: String?
    @Option(
        name: .customLong("segment-mib"), help: ArgumentHelp(Setting.segmentMebibytes.flagHelp, valueName: "MiB"))
    var segmentMebibytes: String?
    @Option(help: ArgumentHelp(Setting.logLevel.flagHelp, valueName: "level")) var logLevel: String?

    /// What is said here.
    private var flags: [Setting: String] {
        let all: [(Setting, String?)] = [
            (.data, data), (.listen, listen), (.listenTLS, listenTls), (.http, http), (.https, https),
            (.certificate, certificate), (.key, key), (.clientCA, clientCa), (.anonymous, anonymous.map { "\($0)" }),
            (.plaintext, plaintext.map { "\($0)" }), (.mappings, mappings), (.connections, connections),
            (.idleSeconds, idleSeconds), (.segmentMebibytes, segmentMebibytes), (.logLevel, logLevel),
        ]
        return Dictionary(uniqueKeysWithValues: all.compactMap { setting, text in text.map { (setting, $0) } })
    }

    /// All settings, as flags, environment and file say now.
    func values() async throws -> SettingValues {
        try await SettingValues(flags: flags, file: config, environment: ProcessInfo.processInfo.environment)
    }
}
