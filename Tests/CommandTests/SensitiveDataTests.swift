import Foundation
import Glibc
import Testing

/// Invariant 8: numbers of cards and accounts that were sent, well or badly, are nowhere afterwards: in no file of the ledger, no
/// line that was printed or logged, no error, no answer, no metric, no core.
@Suite struct SensitiveDataTests {
    /// Such as exist nowhere: they begin with 9. With digits that no other number of the test has.
    private static let planted = ["9539578763621486", "9716461583322103", "9024007198964305", "970436123456789012"]
    /// What must not come along either: verification values, PIN blocks, track data.
    private static let dropped = [
        "CVV737999", "0412ACCF5F9A3B7E", "9539578763621486D29122011143", "B9024007198964305^",
    ]

    private var rows: [(good: Bool, json: String)] {
        let time = #""time":"2026-11-20T09:30:00Z","amount":"5","currency":"VND","source":"shop""#
        let planted = Self.planted
        return [
            (true, #"{"id":"A1",\#(time),"payer":"\#(planted[0])"}"#),
            (true, #"{"id":"A2",\#(time),"payer":" \#(planted[1]) "}"#),
            // A field that is wrong beside a number that is right, and the other way round.
            (false, #"{"id":"A3",\#(time),"payer":"\#(planted[0])","kind":"nothing"}"#),
            (false, #"{"id":"A4",\#(time),"payer":"\#(String(repeating: planted[2], count: 5))"}"#),
            (false, #"{"id":"A5",\#(time),"payer":\#(planted[2])"#),
            (false, #"{"id":"A6",\#(time),"payer":["\#(planted[2])"]}"#),
            (false, #"{"id":"A7",\#(time),"payer":"\#(planted[2])\q"}"#),
            (false, #"{"id":"A8" "payer":"\#(planted[2])"}"#),
            // What a gateway should not have sent: no field of a transaction.
            (
                false,
                #"{"id":"A9",\#(time),"payer":"\#(planted[3])","cvv":"\#(Self.dropped[0])","track2":"\#(Self.dropped[2])"}"#
            ),
            (
                false,
                #"{"id":"B1",\#(time),"payer":"\#(planted[3])","pinBlock":"\#(Self.dropped[1])","track1":"\#(Self.dropped[3])"}"#
            ),
        ]
    }

    @Test func plantedNumbersAreNowhere() async throws {
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            let text = rows.map(\.json).joined(separator: "\n") + "\n"
            let file = try workshop.write("rows.ndjson", text)
            var said: [String] = []
            let goodCount = rows.count(where: \.good)
            try await workshop.withDaemon(["--http", "127.0.0.1:0", "--log-level", "trace"]) { daemon in
                let sent = try await workshop.run(
                    "load", file, "--server", daemon.address, "--rejects", workshop.path + "/rejects.csv", "--json")
                #expect(try sent.counts() == LoadCounts(goodCount, 0, 0, rows.count - goodCount), "\(sent.errors)")
                said += [
                    sent.output, sent.errors,
                    try String(contentsOfFile: workshop.path + "/rejects.csv", encoding: .utf8),
                ]

                // A gateway's own columns: those that its mapping does not name are dropped as they are read.
                let mapping = try workshop.write(
                    "gate.json",
                    #"{"constants": {"currency": "VND", "source": "gate"}, "columns": {"id": "ref", "time": "at", "amount": "sum", "payer": "pan"}}"#
                )
                let csv = try workshop.write(
                    "gate.csv",
                    "ref,at,sum,pan,cvv,pin,track\nC1,2026-11-20T09:30:00Z,7,\(Self.planted[3]),\(Self.dropped[0]),\(Self.dropped[1]),\(Self.dropped[2])\n"
                        + "C2,never,7,\(Self.planted[3]),\(Self.dropped[0]),\(Self.dropped[1]),\(Self.dropped[3])\n")
                let mapped = try await workshop.run(
                    "load", csv, "--mapping", mapping, "--server", daemon.address, "--json")
                #expect(try mapped.counts() == LoadCounts(1, 0, 0, 1))
                said += [mapped.output, mapped.errors]
                try FileManager.default.removeItem(atPath: csv)

                let http = try #require(daemon.httpPort)
                func curl(_ arguments: String...) async throws {
                    let reply = try await workshop.run(program: ["/usr/bin/curl", "-sS"] + arguments)
                    said += [reply.output, reply.errors]
                    #expect(reply.code == 0 && !reply.output.isEmpty)
                }
                let place = "http://127.0.0.1:\(http)"
                let type = "Content-Type: application/"
                try await curl("\(place)/v1/transactions", "-H", type + "x-ndjson", "--data-binary", "@" + file)
                for row in rows.map(\.json) {
                    try await curl("\(place)/v1/transactions", "-H", type + "json", "-d", "[\(row)]")
                }
                let array = "[" + rows.map(\.json).joined(separator: ",")
                try await curl("\(place)/v1/transactions", "-H", type + "json", "-d", array)
                try await curl("\(place)/metrics")
                for id in ["A1", "C1"] { try await curl("\(place)/v1/transactions/\(id)") }
                try await curl("\(place)/v1/daily?measures=all&by=source,payee")

                // No core, whatever ends the process: here on the same memory as all that was sent.
                said.append(daemon.messages)
                let image = try String(contentsOfFile: "/proc/\(daemon.processID)/limits", encoding: .utf8)
                #expect(
                    image.split(separator: "\n").contains { $0.hasPrefix("Max core file size") && $0.contains(" 0 ") })
            }
            for command in [["status"], ["verify"], ["daily", "--measures", "all"], ["find", "A1"]] {
                let shown = try await workshop.run(
                    program: [Workshop.executable] + command + ["--data", workshop.data])
                #expect(shown.code == 0)
                said += [shown.output, shown.errors]
            }
            try FileManager.default.removeItem(atPath: file)
            for number in Self.planted + Self.dropped {
                for text in said { #expect(!text.contains(number), "\(number) in: \(text)") }
                for path in try files(below: workshop.path) {
                    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
                    #expect(bytes.range(of: Data(number.utf8)) == nil, "\(number) in \(path)")
                    // Also not as eight bytes of a number.
                    guard let value = UInt64(number) else { continue }
                    let binary = withUnsafeBytes(of: value.littleEndian) { Data($0) }
                    #expect(bytes.range(of: binary) == nil, "\(number) in \(path)")
                }
            }
        }
    }

    private func files(below path: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path).map { path + "/" + $0 }.filter {
            var status = stat()
            return lstat($0, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        }
    }
}
