import Foundation
import Glibc
import Synchronization

/// The record of administrative acts and of refused access: one JSON object to a line, appended and never rewritten.
///
/// An act is durable before it is done. Of refusals a minute's flood leaves a few lines for each address and a bounded number in
/// all, and the next line says how many went before it without one: nobody fills the disk by knocking, and one who knocks hides
/// no other.
public final class AuditLog: Sendable {
    /// What happened.
    public enum Act: String, Sendable {
        case tokenCreated = "token.create"
        case tokenRevoked = "token.revoke"
        case tokenKeyAdded = "token-key.add"
        case grantsGone = "grants.gone"
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
        /// By address; as many addresses as there are lines at most.
        var counts: [Substring: Int] = [:]
        var count = 0
        var unwritten = 0

        /// Enters a refusal.
        /// - Returns: how many went before it without a line; nil when this one gets none either.
        mutating func enter(_ peer: String, minute now: Int) -> Int? {
            if minute != now { (minute, counts, count) = (now, [:], 0) }
            let address = peer.lastIndex(of: ":").map { peer[..<$0] } ?? peer[...]
            guard count < AuditLog.mostRefusals, counts[address, default: 0] < AuditLog.mostRefusalsOfAddress else {
                unwritten += 1
                return nil
            }
            count += 1
            counts[address, default: 0] += 1
            defer { unwritten = 0 }
            return unwritten
        }
    }

    /// Where it is.
    public let path: String
    /// Held while it is written to, so that it is not closed in between.
    private let descriptor: Mutex<CInt>
    private let refusals = Mutex(Refusals())

    /// Lines that refusals leave in a minute.
    public static let mostRefusals = 300
    /// Lines of them that those of one address leave.
    public static let mostRefusalsOfAddress = 30

    /// Opens the log, or begins it.
    public init(path: String) throws {
        self.path = path
        descriptor = Mutex(try AuditLog.open(path))
    }

    deinit { descriptor.withLock { _ = close($0) } }

    /// Goes on in the file that is at the path now, as after the old one was renamed.
    public func reopen() throws {
        let new = try AuditLog.open(path)
        descriptor.withLock { descriptor in
            close(descriptor)
            descriptor = new
        }
    }

    private static func open(_ path: String) throws -> CInt {
        // A pipe that nobody reads is refused instead of waited for.
        let descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw AccessError("cannot open \(path): \(String(cString: strerror(errno)))") }
        return descriptor
    }

    /// Notes an administrative act and makes the note durable.
    /// - Parameters:
    ///   - by: who does it.
    ///   - subject: to what.
    public func note(_ act: Act, by: String, subject: String, detail: String? = nil, now: Date = Date()) throws {
        try write(Entry(time: now, act: act.rawValue, by: by, subject: subject, detail: detail))
        guard descriptor.withLock({ fdatasync($0) }) == 0 else { throw failure("synchronise") }
    }

    /// Notes that somebody was refused.
    /// - Parameters:
    ///   - peer: where from.
    ///   - subject: what was asked for.
    public func noteRefusal(of peer: String, subject: String, _ denial: Denial, now: Date = Date()) {
        let minute = Int(now.timeIntervalSince1970 / 60)
        guard let unwritten = refusals.withLock({ $0.enter(peer, minute: minute) }) else { return }
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
        let line = Array((AuditLog.visible(String(decoding: try encoder.encode(entry), as: UTF8.self)) + "\n").utf8)
        // One call, so that lines of several processes do not mix.
        let written = line.withUnsafeBytes { bytes in
            descriptor.withLock { Glibc.write($0, bytes.baseAddress, bytes.count) }
        }
        guard written == line.count else { throw failure("write") }
    }

    /// The same JSON without characters that a terminal would obey or hide: what a client called itself may be anything.
    private static func visible(_ json: String) -> String {
        var text = ""
        for scalar in json.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                for unit in String(scalar).utf16 { text += String(format: "\\u%04x", unit) }
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private func failure(_ operation: String) -> AccessError {
        AccessError("cannot \(operation) \(path): \(String(cString: strerror(errno)))")
    }
}
