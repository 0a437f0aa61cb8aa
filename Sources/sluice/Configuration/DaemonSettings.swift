import Foundation
import Ledger
import Logging

/// The daemon's settings, checked.
struct DaemonSettings {
    let files: LedgerFiles
    let listen: HostAndPort?
    let listenTLS: HostAndPort?
    let http: HostAndPort?
    let https: HostAndPort?
    let certificate: String?
    let key: String?
    let clientCA: String?
    /// nil: on loopback alone.
    let anonymous: Bool?
    let plaintext: Bool
    let mappings: String?
    let connections: Int
    let idleSeconds: Int
    let segmentMebibytes: Int
    let logLevel: Logger.Level

    /// Reads the values and sees that they fit together.
    /// - Throws: `UsageError` that names what does not, and where it was said.
    init(_ values: SettingValues) throws {
        guard let directory = values[.data]?.text, !directory.isEmpty else {
            throw UsageError("which ledger? Name it with --data DIRECTORY, SLUICE_DATA or \"data\" in a configuration")
        }
        files = LedgerFiles(directory: directory)
        func place(_ setting: Setting) throws -> HostAndPort? {
            guard let value = values[setting], value.text != Setting.nowhere else { return nil }
            return try value.read(setting, "HOST:PORT or \(Setting.nowhere)") { HostAndPort(argument: $0) }
        }
        func number(_ setting: Setting, _ range: ClosedRange<Int>, _ expected: String) throws -> Int {
            try values[setting]!.read(setting, expected) { Int($0).flatMap { range.contains($0) ? $0 : nil } }
        }
        (listen, listenTLS) = (try place(.listen), try place(.listenTLS))
        (http, https) = (try place(.http), try place(.https))
        (certificate, key) = (values[.certificate]?.text, values[.key]?.text)
        (clientCA, mappings) = (values[.clientCA]?.text, values[.mappings]?.text)
        anonymous = values[.anonymous].map { $0.text == "true" }
        plaintext = values[.plaintext]?.text == "true"
        connections = try number(.connections, 1...1_000_000, "1 to 1,000,000")
        idleSeconds = try number(.idleSeconds, 1...86_400, "1 to 86,400")
        segmentMebibytes = try number(.segmentMebibytes, 1...4096, "1 to 4096")
        logLevel = try values[.logLevel]!.read(
            .logLevel, "one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))",
            Logger.Level.init(rawValue:))
        try checkDoors(values)
    }

    private func checkDoors(_ values: SettingValues) throws {
        guard [listen, listenTLS, http, https].contains(where: { $0 != nil }) else {
            throw UsageError(
                "\(values[.listen]!.origin): with 'listen' \(Setting.nowhere) there must be --listen-tls, --http or --https"
            )
        }
        let behindTLS = [(Setting.listenTLS, listenTLS), (.https, https)].filter { $0.1 != nil }.map(\.0)
        if let door = behindTLS.first, certificate == nil || key == nil {
            throw UsageError("\(values[door]!.origin): needs a certificate and a key: --certificate and --key")
        }
        if let setting = [Setting.certificate, .key, .clientCA].first(where: { values[$0] != nil }), behindTLS.isEmpty {
            throw UsageError("\(values[setting]!.origin): '\(setting.name)' goes with --listen-tls or --https")
        }
        if let mappings = values[.mappings], http == nil, https == nil {
            throw UsageError("\(mappings.origin): 'mappings' goes with --http or --https")
        }
        for place in [listen, http].compactMap(\.self) where anonymous != true && !plaintext && !place.isLoopback {
            throw UsageError(
                """
                \(place.host) can be reached from other machines, where what is sent could be read. Use --listen-tls or \
                --https there, or say --plaintext (inside of a tunnel), or --anonymous (everybody may do everything).
                """)
        }
    }
}

extension SettingValues.Value {
    fileprivate func read<Result>(
        _ setting: Setting, _ expected: String, _ parse: (String) -> Result?
    ) throws -> Result {
        guard let result = parse(text) else {
            throw UsageError("\(origin): \(setting.name): '\(text)' was found, expected \(expected)")
        }
        return result
    }
}
