import Access
import Foundation

/// A file of grants, a log beside it, and an end to both.
final class Desk {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-\(UUID().uuidString)").path
    let control: AccessControl
    let audit: AuditLog
    let file: GrantFile
    var auditPath: String { audit.path }
    /// Lets nobody in who is not known.
    var gate: Gate { Gate(control: control, audit: audit, takesAnonymous: false) }

    init() throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        file = GrantFile(path: directory + "/grants.json")
        control = try AccessControl(file: file)
        audit = try AuditLog(path: directory + "/audit.log")
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Grants something, known to `control` at once. With `certificate` the token that comes back is good for nothing.
    @discardableResult func grant(
        _ name: String, certificate: String? = nil, _ scopes: [Scope], expires: Date? = nil, connections: Int? = nil,
        recordsPerSecond: Int? = nil
    ) throws -> BearerToken {
        let token = BearerToken()
        try file.change {
            $0.append(
                Grant(
                    id: token.grantID, name: name,
                    credential: certificate.map { .certificate(name: $0) } ?? .token(.init(of: token)), scopes: scopes,
                    created: Date(timeIntervalSince1970: 1_700_000_000), expires: expires,
                    recordsPerSecond: recordsPerSecond, connections: connections))
        }
        try control.refresh()
        return token
    }

    func lines() throws -> [[String: Any]] {
        try String(contentsOfFile: auditPath, encoding: .utf8).split(separator: "\n").map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
        }
    }
}

func denial<Result>(_ body: () throws(Denial) -> Result) -> Denial? {
    do throws(Denial) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}
