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

/// Looks at the grants every second, and has connections ended whose grant is gone.
struct AccessWatch: ServiceLifecycle.Service {
    let access: DaemonAccess
    let threads: NIOThreadPool
    let logger: Logger
    let recheck: @Sendable () -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var lastFailure: String?
            while (try? await Task.sleep(for: .seconds(1))) != nil {
                do {
                    if try await threads.runIfActive({ try access.control.refresh() }) { recheck() }
                    lastFailure = nil
                } catch {
                    if "\(error)" != lastFailure {
                        logger.error("the grants stay as they were", metadata: ["reason": "\(error)"])
                    }
                    lastFailure = "\(error)"
                }
            }
        }
    }
}

/// Who runs this process, for the audit log.
func currentUser() -> String { "\(NSUserName()) (uid \(getuid()))" }
