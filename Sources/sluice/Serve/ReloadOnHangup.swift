import Formats
import Ledger
import Logging
import Service
import ServiceLifecycle
import UnixSignals

/// Reads anew on SIGHUP what may change without a restart: mappings, certificates,
/// grants and token keys; the audit log is opened again. What does not fit together changes
/// nothing and is told of, as is a setting that waits for a restart.
struct ReloadOnHangup: ServiceLifecycle.Service {
    let options: DaemonOptions
    let values: SettingValues
    let access: DaemonAccess
    let tokenKeys: TokenKeys
    let certificate: ServerCertificate?
    let logger: Logger
    let replaceMappings: @Sendable ([String: Mapping]) -> Void
    let recheckAccess: @Sendable () -> Void

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                try await reload()
            } catch {
                logger.error("the configuration stays as it was", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func reload() async throws {
        // First, so that what goes wrong behind it is noted in the new one.
        try access.audit.reopen()
        let now = try await options.values()
        let settings = try DaemonSettings(now)
        let mappings = try settings.readMappings()
        try certificate?.reload()
        if try access.control.refresh() { recheckAccess() }
        try tokenKeys.refresh()
        replaceMappings(mappings)
        for setting in Setting.allCases where !setting.isReloadable && now[setting]?.text != values[setting]?.text {
            logger.warning(
                "waits for a restart",
                metadata: ["setting": .string(setting.name), "value": .string(now[setting]?.text ?? "none")])
        }
        logger.info("configuration read anew", metadata: ["file": .string(now.file ?? "none")])
        try access.audit.note(.configurationReloaded, by: "SIGHUP", subject: now.file ?? "no file")
    }
}
