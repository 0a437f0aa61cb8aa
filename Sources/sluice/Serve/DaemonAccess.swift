import Access
import Foundation
import Ledger
import Logging
import NIOPosix
import ServiceLifecycle

/// Who may do what with a daemon, and the log of what was refused and done.
struct DaemonAccess: Sendable {
    let control: AccessControl
    let audit: AuditLog

    /// Reads the grants and opens the log of a ledger that is there.
    init(_ settings: DaemonSettings, logger: Logger) throws {
        control = try settings.readGrants()
        audit = try AuditLog(path: settings.files.existing().auditLog)
    }

    /// Tells of another certificate, or of one that could not be taken.
    func noteReload(of certificate: String, _ result: Result<Void, any Error>, logger: Logger) {
        switch result {
        case .success:
            logger.info("another certificate", metadata: ["file": .string(certificate)])
            try? audit.note(.certificateReloaded, by: "daemon", subject: certificate)
        case .failure(let error):
            logger.warning(
                "the certificate stays as it was", metadata: ["file": .string(certificate), "reason": "\(error)"])
        }
    }
}

/// Looks at the grants and the token keys every second, and has connections ended whose grant is gone.
struct AccessWatch: ServiceLifecycle.Service {
    let access: DaemonAccess
    let tokenKeys: TokenKeys
    let threads: NIOThreadPool
    let logger: Logger
    let recheck: @Sendable () -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var (lastOfGrants, lastOfKeys): (String?, String?) = (nil, nil)
            // Whoever else looks, as SIGHUP does, may be the first to find it gone.
            var hadFile = access.control.hasFile
            while (try? await Task.sleep(for: .seconds(1))) != nil {
                await look("the grants stay as they were", &lastOfGrants) {
                    if try await threads.runIfActive({ try access.control.refresh() }) { recheck() }
                    defer { hadFile = access.control.hasFile }
                    if hadFile, !access.control.hasFile {
                        logger.warning("the file of grants is gone: nobody has a grant any more")
                        try access.audit.note(.grantsGone, by: "daemon", subject: "grants.json")
                    }
                }
                await look("the token keys stay as they were", &lastOfKeys) {
                    try await threads.runIfActive { try tokenKeys.refresh() }
                }
            }
        }
    }

    /// Tells of a failure once, until it is another one.
    private func look(_ consequence: Logger.Message, _ last: inout String?, _ look: () async throws -> Void) async {
        do {
            try await look()
            last = nil
        } catch {
            if "\(error)" != last { logger.error(consequence, metadata: ["reason": "\(error)"]) }
            last = "\(error)"
        }
    }
}

/// Who runs this process, for the audit log.
func currentUser() -> String { "\(NSUserName()) (uid \(getuid()))" }
