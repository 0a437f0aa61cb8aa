import Foundation
import Testing

/// What is wrong with a file is told with its place; what is right in it is taken.
@Suite struct BadFileTests {
    private static let header = "id,time,amount,currency,source,region"

    /// Lines behind the header, and the row and field of what must be rejected.
    struct Case: CustomTestStringConvertible {
        var name: String
        var lines: [String]
        var accepted: Int
        var rejected: [String]
        var testDescription: String { name }

        init(_ name: String, _ lines: [String], accepted: Int, rejected: [String]) {
            (self.name, self.lines, self.accepted, self.rejected) = (name, lines, accepted, rejected)
        }
    }

    static let cases = [
        Case(
            "ragged rows",
            ["a,2024-01-01,1,VND,s,", "b,2024-01-01,1,VND", "c,2024-01-01,1,VND,s,,x", "d,2024-01-01,1,VND,s,"],
            accepted: 2, rejected: ["3", "4"]),
        Case("empty rows", ["a,2024-01-01,1,VND,s,", "", "  ", "b,2024-01-01,1,VND,s,"], accepted: 2, rejected: []),
        Case("rows of separators", [",,,,,", "b,2024-01-01,1,VND,s,"], accepted: 1, rejected: ["2 currency"]),
        Case(
            "decimals",
            [
                "a,2024-01-01,1.5,VND,s,", "b,2024-01-01,1.005,GBP,s,", "c,2024-01-01,1.0050,KWD,s,",
                "d,2024-01-01,1.00,VND,s,",
            ],
            accepted: 2, rejected: ["2 amount", "3 amount"]),
        Case(
            "beyond 64 bits",
            [
                "a,2024-01-01,9223372036854775807,VND,s,", "b,2024-01-01,9223372036854775808,VND,s,",
                "c,2024-01-01,92233720368547758.08,GBP,s,", "d,2024-01-01,99999999999999999999999999,VND,s,",
            ], accepted: 1, rejected: ["3 amount", "4 amount", "5 amount"]),
        Case(
            "no number", ["a,2024-01-01,abc,VND,s,", "b,2024-01-01,-5,VND,s,", "c,2024-01-01,1e5,VND,s,"],
            accepted: 0, rejected: ["2 amount", "3 amount", "4 amount"]),
        Case(
            "currencies", ["a,2024-01-01,1,ZZZ,s,", "b,2024-01-01,1,000,s,", "c,2024-01-01,1,704,s,"],
            accepted: 1, rejected: ["2 currency", "3 currency"]),
        Case(
            "dates",
            [
                "a,2024-02-30,1,VND,s,", "b,2023-02-29,1,VND,s,", "c,2024-13-01,1,VND,s,", "d,1969-12-31,1,VND,s,",
                "e,yesterday,1,VND,s,", "f,2024-02-29,1,VND,s,",
            ],
            accepted: 1, rejected: ["2 time", "3 time", "4 time", "5 time", "6 time"]),
        Case("times ahead", ["a,2200-01-01,1,VND,s,", "b,2024-01-01,1,VND,s,"], accepted: 1, rejected: ["2 time"]),
        Case(
            "quotes",
            [
                "\"a,2024-01-01,1,VND,s,", "b,2024-01-01,1,VND,s,", "\"c\"x,2024-01-01,1,VND,s,",
                "\"d\",2024-01-01,1,VND,s,",
            ],
            accepted: 2, rejected: ["2", "4"]),
    ]

    @Test(arguments: cases)
    func faultyRowsAreRejectedWithTheirPlace(_ item: Case) async throws {
        try await Workshop.open { workshop in
            let file = try workshop.write("in.csv", ([Self.header] + item.lines).joined(separator: "\n") + "\n")
            try await check(workshop, file, item.accepted, item.rejected)
        }
    }

    private func check(
        _ workshop: Workshop, _ file: String, _ accepted: Int, _ rejected: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let rejects = workshop.path + "/rejects.csv"
        let loaded = try await workshop.run("load", file, "--data", workshop.data, "--json", "--rejects", rejects)
        #expect(loaded.code == (rejected.isEmpty ? 0 : 1), "\(loaded.errors)", sourceLocation: sourceLocation)
        #expect(try loaded.counts() == LoadCounts(accepted, 0, 0, rejected.count), sourceLocation: sourceLocation)
        #expect(loaded.output.split(separator: "\n").count == 1, sourceLocation: sourceLocation)
        let lines = try String(contentsOfFile: rejects, encoding: .utf8).split(separator: "\n").dropFirst()
        let places = lines.map { line in
            line.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false).prefix(2).filter { !$0.isEmpty }
                .joined(separator: " ")
        }
        #expect(places == rejected, "\(lines)", sourceLocation: sourceLocation)
        let reasons = lines.map { $0.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)[2] }
        #expect(reasons.allSatisfy { !$0.isEmpty }, sourceLocation: sourceLocation)
    }

    @Test func bytesThatAreNoTextAreRejected() async throws {
        try await Workshop.open { workshop in
            let good = Array("b,2024-01-01,1,VND,s,Huế\n".utf8)
            let bad: [UInt8] = Array("a,2024-01-01,1,VND,s,H".utf8) + [0xC3, 0x28, 0x0A]
            let file = try workshop.write("in.csv", Array((Self.header + "\n").utf8) + bad + good)
            try await check(workshop, file, 1, ["2"])
        }
    }

    /// Text that is cut in the middle of a row, and records of which the last is cut.
    @Test func aFileCutInTheMiddle() async throws {
        try await Workshop.open { workshop in
            let rows = Self.header + "\na,2024-01-01,1,VND,s,\nb,2024-01-01,1,VND"
            try await check(workshop, try workshop.write("in.csv", rows), 1, ["3"])
        }
        try await Workshop.open { workshop in
            let objects = """
                {"id": "a", "time": "2024-01-01", "amount": "1", "currency": "VND", "source": "s"}
                {"id": "b", "time": "2024-01-01", "amo
                """
            try await check(workshop, try workshop.write("in.ndjson", objects), 1, ["2"])
        }
        try await Workshop.open { workshop in
            let made = try await workshop.run(
                "generate", "--day", "2026-11-20", "--count", "3", "--output", workshop.path + "/day")
            #expect(made.code == 0)
            let bytes = try #require(FileManager.default.contents(atPath: workshop.path + "/day"))
            #expect(bytes.count == 192)
            try await check(workshop, try workshop.write("in.raw", bytes.dropLast(10)), 2, ["3"])
        }
    }

    @Test func filesThatCannotBeReadAtAll() async throws {
        try await Workshop.open { workshop in
            func refused(_ code: Int32, _ words: [String], _ arguments: String..., input: String = "/dev/null")
                async throws
            {
                let data = ["--data", workshop.data]
                let outcome = try await workshop.run(
                    program: [Workshop.executable, "load"] + arguments + data, input: input)
                #expect(outcome.code == code, "\(arguments): \(outcome.errors)")
                for word in words { #expect(outcome.errors.contains(word), "\(arguments): \(outcome.errors)") }
                #expect(!outcome.output.contains("sluice:"))
            }
            let good = try workshop.write("good.csv", Self.header + "\na,2024-01-01,1,VND,s,\n")
            let wrongHeader = try workshop.write(
                "wrong.csv", "ident,time,amount,currency,source\na,2024-01-01,1,VND,s\n")
            try await refused(65, ["wrong.csv", "id"], wrongHeader)
            let empty = try workshop.write("empty.csv", "")
            try await refused(65, ["empty.csv", "header"], empty)
            let mapping = try workshop.write(
                "mapping.json",
                #"{"source": "s", "columns": {"id": "invoice", "time": "time", "amount": "amount", "currency": "currency"}}"#
            )
            try await refused(65, ["good.csv", "invoice"], good, "--mapping", mapping)
            let mistyped = try workshop.write("mistyped.json", #"{"colums": {}}"#)
            try await refused(65, ["mistyped.json", "colums", "columns"], good, "--mapping", mistyped)
            try await refused(64, ["missing.json"], good, "--mapping", workshop.path + "/missing.json")
            try await refused(64, ["absent.csv"], workshop.path + "/absent.csv")
            try await refused(64, ["gunzip -c"], try workshop.write("in.csv.gz", [0x1F, 0x8B, 8, 0]))
            try await refused(64, ["--format"], "-", input: good)
            try await refused(64, ["xml"], good, "--format", "xml")
            try await refused(64, ["--compress goes with --server"], good, "--compress")
            let status = try await workshop.run("status", "--data", workshop.data, "--json")
            if status.code == 0 { #expect(try status.object()["records"] as? Int == 0) }
        }
    }
}
