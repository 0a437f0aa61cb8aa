import Foundation
import Testing

@testable import Access

@Suite struct BearerTokenTests {
    @Test func aTokenIsReadAsItIsWritten() throws {
        let token = BearerToken()
        let read = try #require(BearerToken(token.text))
        #expect(read.text == token.text && read.grantID == token.grantID)
        #expect(BearerToken(token.text.uppercased().replacingOccurrences(of: "SLUICE", with: "sluice")) != nil)
        #expect(BearerToken().text != token.text)
    }

    @Test(arguments: [
        "", "sluice", "sluice_", "sluice_12345678", "sluice_12345678_", "sluice_12345678_00", "shop_12345678_00",
        "sluice_1234567g_" + String(repeating: "0", count: 64), "sluice_12345678_" + String(repeating: "0", count: 66),
        "sluice_12345678_" + String(repeating: "0", count: 64) + "_",
    ])
    func anythingElseIsNone(text: String) { #expect(BearerToken(text) == nil) }

    @Test func aHashMatchesItsTokenAloneAndShowsNothingOfIt() throws {
        let (token, other) = (BearerToken(), BearerToken())
        let hash = BearerToken.Hash(of: token)
        #expect(hash.matches(token) && !hash.matches(other))
        #expect(hash != BearerToken.Hash(of: token), "each has a salt of its own")
        let secret = String(token.text.suffix(64))
        let written = String(decoding: try JSONEncoder().encode(hash), as: UTF8.self)
        #expect(!written.contains(secret) && !"\(token)".contains(secret))
        var dumped = ""
        dump(token, to: &dumped)
        #expect(!dumped.contains(secret))
    }
}

@Suite struct ScopeTests {
    @Test func scopesAreReadAsTheyAreWritten() {
        for text in ["send:*", "send:shop", "send:#12", "send:Chợ Bến Thành", "read", "operate"] {
            #expect(Scope(text)?.description == text)
        }
        for text in ["", "send", "send:", "write", "Read", "send:" + String(repeating: "x", count: 256)] {
            #expect(Scope(text) == nil, "\(text)")
        }
    }

    @Test func permissionsAreTheSumOfScopes() {
        let some = Permissions([.send(source: "shop"), .send(source: "#12"), .read])
        #expect(some.maySend(for: "shop") && !some.maySend(for: "bank"))
        #expect(some.maySend(forCode: 12) && !some.maySend(forCode: 13))
        #expect(some.maySend && some.mayRead && !some.mayOperate && !some.maySendForAll)
        #expect(Permissions([.sendAll]).maySend(for: "bank") && !Permissions([.read]).maySend)
    }
}

@Suite struct AccessControlTests {
    @Test func aTokenIsKnownFromTheNextLookOnAndNotAfterItWasTakenBack() throws {
        let desk = try Desk()
        let control = try AccessControl(file: desk.file)
        let token = try desk.grant("gate", [.send(source: "shop")])
        #expect(denial { () throws(Denial) in try control.client(token: token.text) } == .unknown("\(token)"))
        #expect(try control.refresh())
        let client = try control.client(token: token.text)
        #expect(client.name == "gate" && client.permissions.maySend(for: "shop") && control.denial(of: client) == nil)
        #expect(try !control.refresh(), "nothing has changed")
        _ = try desk.grant("other", [.read])
        #expect(try control.refresh())
        #expect(try control.client(token: token.text) === client, "accounts of rates are kept")

        try desk.file.change { $0[0].revoked = Date() }
        #expect(try control.refresh())
        #expect(control.denial(of: client) != nil)
        guard case .revoked? = denial({ () throws(Denial) in try control.client(token: token.text) }) else {
            Issue.record("a revoked token was taken")
            return
        }
    }

    @Test func whatOneMayDoIsNotKeptWhenItWasChanged() throws {
        let desk = try Desk()
        let token = try desk.grant("gate", [.sendAll])
        let control = try AccessControl(file: desk.file)
        let client = try control.client(token: token.text)
        try desk.file.change { $0[0].scopes = [.read] }
        try control.refresh()
        #expect(control.denial(of: client) != nil)
        #expect(try !control.client(token: token.text).permissions.maySend)
    }

    @Test func aTokenExpires() throws {
        let desk = try Desk()
        let end = Date(timeIntervalSince1970: 1_800_000_000)
        let token = try desk.grant("gate", [.read], expires: end)
        let control = try AccessControl(file: desk.file)
        try control.refresh(now: end - 1)
        let client = try control.client(token: token.text, now: end - 1)
        #expect(control.denial(of: client, now: end - 1) == nil && control.denial(of: client, now: end) != nil)
        #expect(try control.refresh(now: end), "somebody's time ran out")
        #expect(try !control.refresh(now: end + 1))
        guard case .expired? = denial({ () throws(Denial) in try control.client(token: token.text, now: end) }) else {
            Issue.record("an expired token was taken")
            return
        }
    }

    @Test func wrongSecretsAndWordsAreNamedWithoutThem() throws {
        let desk = try Desk()
        let token = try desk.grant("gate", [.read])
        let control = try AccessControl(file: desk.file)
        let forged = "sluice_\(token.grantID)_" + String(repeating: "ab", count: 32)
        let refusal = denial { () throws(Denial) in try control.client(token: forged) }
        #expect(refusal?.description.contains("abab") == false)
        #expect(denial { () throws(Denial) in try control.client(token: "4111111111111111") } == .malformed)
        #expect(!Denial.malformed.description.contains("4111"))
    }

    @Test func aCertificateIsKnownByName() throws {
        let desk = try Desk()
        try desk.grant("gate", certificate: "Gate.Example", [.sendAll])
        let control = desk.control
        let gate = Gate(control: control, audit: nil, takesAnonymous: false)
        #expect(try gate.client(token: nil, certificateNames: ["x", "gate.example"]).name == "gate")
        #expect(
            denial { () throws(Denial) in try gate.client(token: nil, certificateNames: ["x"]) }
                == .unknownCertificate(["x"]))
        #expect(denial { () throws(Denial) in try gate.client(token: nil) } == .missing)
        #expect(try Gate(control: control, audit: nil, takesAnonymous: true).client(token: nil) === Client.anonymous)
    }

    @Test(arguments: [
        "", "{", "[]", #"{"version": 2, "grants": []}"#,
        #"{"version": 1, "grants": [{"id": "1", "name": "n", "scopes": ["fly"], "created": "2026-01-01T00:00:00Z"}]}"#,
    ])
    func aBrokenFileIsNamedAndChangesNothing(text: String) throws {
        let desk = try Desk()
        let token = try desk.grant("gate", [.read])
        let control = try AccessControl(file: desk.file)
        try Data(text.utf8).write(to: URL(fileURLWithPath: desk.file.path))
        let error = #expect(throws: AccessError.self) { try control.refresh() }
        #expect(error?.description.contains(desk.file.path) == true)
        #expect(throws: AccessError.self) { try desk.file.change { $0 = [] } }
        #expect(throws: AccessError.self) { try AccessControl(file: desk.file) }
        #expect(try control.client(token: token.text).name == "gate")
    }

    @Test func theFileIsItsOwnersAlone() throws {
        let desk = try Desk()
        let token = try desk.grant("gate", [.read])
        let mode = try FileManager.default.attributesOfItem(atPath: desk.file.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let text = try String(contentsOfFile: desk.file.path, encoding: .utf8)
        #expect(!text.contains(token.text.suffix(64)) && text.contains("\"read\""))
        #expect(try desk.file.grants().map(\.name) == ["gate"])
    }

    @Test func connectionsOfAClientAreCounted() throws {
        let desk = try Desk()
        let token = try desk.grant("gate", [.sendAll], connections: 2)
        let client = try AccessControl(file: desk.file).client(token: token.text)
        #expect(client.enterConnection() && client.enterConnection() && !client.enterConnection())
        client.leaveConnection()
        #expect(client.enterConnection())
        #expect((0..<1000).allSatisfy { _ in Client.anonymous.enterConnection() })
        for _ in 0..<1000 { Client.anonymous.leaveConnection() }
    }
}

@Suite struct RateLimiterTests {
    @Test func aSecondsWorthGoesAtOnceAndTheRestWaits() throws {
        let limiter = RateLimiter(itemsPerSecond: 100)
        let start = ContinuousClock.now
        #expect(limiter.enter(100, now: start) == nil)
        let end = try #require(limiter.enter(50, now: start))
        #expect(end - start == .milliseconds(500))
        #expect(limiter.wait(now: start + .milliseconds(499)) != nil)
        #expect(limiter.wait(now: start + .milliseconds(500)) == nil)
        #expect(limiter.enter(100, now: start + .seconds(60)) == nil, "silence is not saved up beyond a second")
        #expect(limiter.enter(1, now: start + .seconds(60)) != nil)
    }
}

@Suite struct AuditLogTests {
    /// What a client called itself or a source cannot play with the terminal on which the log is read.
    @Test func theAuditLogShowsWhatATerminalWouldObey() throws {
        let desk = try Desk()
        desk.audit.noteRefusal(of: "::1", subject: "a\u{9b}31m\u{7f}\u{202e}b\u{e0001}Huế", .missing)
        let text = try String(contentsOfFile: desk.auditPath, encoding: .utf8)
        #expect(text.contains(#"a\u009b31m\u007f\u202eb\udb40\udc01Huế"#), "\(text)")
        let entry = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String])
        #expect(entry["subject"] == "a\u{9b}31m\u{7f}\u{202e}b\u{e0001}Huế")
    }

    @Test func actsAndRefusalsAreLines() throws {
        let desk = try Desk()
        let log = desk.audit
        try log.note(.tokenCreated, by: "root", subject: "1 (gate)", detail: "read")
        log.noteRefusal(of: "[::1]:80", subject: "GET /v1/daily", .missing)
        _ = try AuditLog(path: desk.auditPath).note(.tokenRevoked, by: "root", subject: "1 (gate)")
        let lines = try desk.lines()
        #expect(lines.map { $0["act"] as? String } == ["token.create", "access.refused", "token.revoke"])
        #expect(lines[1]["by"] as? String == "[::1]:80" && lines[1]["detail"] as? String == "\(Denial.missing)")
        let mode = try FileManager.default.attributesOfItem(atPath: desk.auditPath)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func aFloodOfRefusalsIsCountedAndDoesNotFillTheDisk() throws {
        let desk = try Desk()
        let log = desk.audit
        let start = Date(timeIntervalSince1970: 1_800_000_000)
        for _ in 0..<1000 { log.noteRefusal(of: "peer", subject: "stream", .missing, now: start) }
        #expect(try desk.lines().count == AuditLog.mostRefusalsOfAddress)
        log.noteRefusal(of: "peer", subject: "stream", .missing, now: start + 60)
        #expect(try desk.lines().last?["unwritten"] as? Int == 1000 - AuditLog.mostRefusalsOfAddress)
        for number in 0..<1000 {
            log.noteRefusal(of: "10.0.\(number / 250).\(number % 250):1", subject: "stream", .missing, now: start + 120)
        }
        #expect(try desk.lines().count == AuditLog.mostRefusalsOfAddress + 1 + AuditLog.mostRefusals)
    }

    /// One who knocks a thousand times, from whatever ports, does not hide another.
    @Test func whoeverKnocksHidesNoOther() throws {
        let desk = try Desk()
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        for port in 1...1000 { desk.audit.noteRefusal(of: "[fe80::1]:\(port)", subject: "stream", .missing, now: now) }
        desk.audit.noteRefusal(of: "192.0.2.7:4711", subject: "stream", .missing, now: now)
        let last = try #require(try desk.lines().last)
        #expect(last["by"] as? String == "192.0.2.7:4711")
        #expect(last["unwritten"] as? Int == 1000 - AuditLog.mostRefusalsOfAddress)
    }

    @Test func aLogThatWasRenamedIsGoneOnWithInANewFile() throws {
        let desk = try Desk()
        try desk.audit.note(.daemonStarted, by: "root", subject: "one")
        let old = desk.auditPath + ".1"
        try FileManager.default.moveItem(atPath: desk.auditPath, toPath: old)
        try desk.audit.note(.configurationReloaded, by: "root", subject: "two")
        try desk.audit.reopen()
        try desk.audit.note(.daemonStopped, by: "root", subject: "three")
        #expect(try desk.lines().map { $0["act"] as? String } == ["daemon.stop"])
        #expect(try String(contentsOfFile: old, encoding: .utf8).split(separator: "\n").count == 2)
        // Where no new one can be, the old one stays.
        try FileManager.default.removeItem(atPath: desk.auditPath)
        try FileManager.default.createDirectory(atPath: desk.auditPath, withIntermediateDirectories: false)
        #expect(throws: AccessError.self) { try desk.audit.reopen() }
        try desk.audit.note(.daemonStopped, by: "root", subject: "four")
    }

    @Test func aLogThatCannotBeWrittenKeepsNobodyFromBeingRefused() throws {
        // Every write to it fails.
        let log = try AuditLog(path: "/dev/full")
        log.noteRefusal(of: "peer", subject: "stream", .missing)
        let error = #expect(throws: AccessError.self) { try log.note(.tokenCreated, by: "root", subject: "1") }
        #expect(error?.description == "cannot write /dev/full: No space left on device")
    }

    @Test func aPipeInThePlaceOfAFileIsRefused() throws {
        let desk = try Desk()
        for path in [desk.file.path, desk.directory + "/pipe"] { #expect(mkfifo(path, 0o600) == 0) }
        let error = #expect(throws: (any Error).self) { try AccessControl(file: desk.file) }
        #expect(error.map { "\($0)" } == "cannot open \(desk.file.path): it is a pipe, expected a file")
        #expect(throws: AccessError.self) { try AuditLog(path: desk.directory + "/pipe") }
    }
}
