import Foundation
import Glibc
import Synchronization

/// The record of administrative acts and of refused access: one JSON object to a line, appended and never rewritten.
///
/// An act is durable before it is done. Of refusals a minute's flood leaves at most `mostRefusals` lines, and the next line says
/// how many went before it without one: nobody fills the disk by knocking.
public final class AuditLog: Sendable {
    /// What happened.
    public enum Act: String, Sendable {
        case tokenCreated = "token.create"
        case tokenRevoked = "token.revoke"
        case daemonStarted = "daemon.start"
        case daemonStopped = "daemon.stop"
        case configurationReloaded = "configuration.reload"
        case certificateReloaded = "certificate.reload"
        case accessRefused = "access.refused"
    }

    private struct Entry: Encodable {
        var time: Date
        var act: String
        var by: String
        var subject: String
        var detail: String?
        var unwritten: Int?
    }

    private struct Refusals {
        var minute = 0
        var count = 0
        var unwritten = 0
    }

    /// Where it is.
    public let path: String
    private let descriptor: CInt
    private let refusals = Mutex(Refusals())

    /// Lines that refusals leave in a minute.
    public static let mostRefusals = 60

    /// Opens the log, or begins it.
    public init(path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw AccessError("cannot open \(path): \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    /// Notes an administrative act and makes the note durable.
    /// - Parameters:
    ///   - by: who does it.
    ///   - subject: to what.
    public func note(_ act: Act, by: String, subject: String, detail: String? = nil, now: Date = Date()) throws {
        try write(Entry(time: now, act: act.rawValue, by: by, subject: subject, detail: detail))
        guard fdatasync(descriptor) == 0 else { throw failure("synchronise") }
    }

    /// Notes that somebody was refused.
    /// - Parameters:
    ///   - peer: where from.
    ///   - subject: what was asked for.
    public func noteRefusal(of peer: String, subject: String, _ denial: Denial, now: Date = Date()) {
        let minute = Int(now.timeIntervalSince1970 / 60)
        let unwritten = refusals.withLock { refusals -> Int? in
            if refusals.minute != minute { (refusals.minute, refusals.count) = (minute, 0) }
            guard refusals.count < AuditLog.mostRefusals else {
                refusals.unwritten += 1
                return nil
            }
            refusals.count += 1
            defer { refusals.unwritten = 0 }
            return refusals.unwritten
        }
        guard let unwritten else { return }
        // A disk that is full must not keep the daemon from refusing.
        try? write(
            Entry(
                time: now, act: Act.accessRefused.rawValue, by: peer, subject: subject, detail: denial.description,
                unwritten: unwritten == 0 ? nil : unwritten))
    }

    private func write(_ entry: Entry) throws {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = try encoder.encode(entry) + [UInt8(ascii: "\n")]
        // One call, so that lines of several processes do not mix.
        let written = line.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard written == line.count else { throw failure("write") }
    }

    private func failure(_ operation: String) -> AccessError {
        AccessError("cannot \(operation) \(path): \(String(cString: strerror(errno)))")
    }
}
