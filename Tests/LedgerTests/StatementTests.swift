import Foundation
import Ledger
import Storage
import Testing
import Transactions

/// Statements of reference data and the user's own codes are kept as names are.
@Suite struct StatementTests {
    private let definitions: [NameDefinition] = [
        NameDefinition(.region, "Hà Nội", code: 1), NameDefinition(.region, "Huế"),
        NameDefinition(.statement, "region\t1\tarea\t" + String(repeating: "b", count: 900) + "\t\t1"),
        NameDefinition(.statement, "region\t32768\tarea\tcentre\t\t1"),
    ]

    private func check(_ view: any LedgerView, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(
            view.names(of: .statement)
                == [1: definitions[2].text, 2: definitions[3].text, 3: "region\t1\tarea\tsouth\t2025-07-01\t2"],
            sourceLocation: sourceLocation)
        #expect(view.names(of: .region) == [1: "Hà Nội", 0x8000: "Huế", 7: "Vinh"], sourceLocation: sourceLocation)
    }

    @Test func theyOutliveACrashCompactionAndRebuild() async throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.create(timeZone: "UTC", cutoverMinutes: 0)
        var ledger = try Ledger(files, options: .trickle)
        try ledger.trickle(0..<150)
        #expect(try await ledger.define(definitions) == [1, 0x8000, 1, 2])
        // The same again defines nothing.
        #expect(try await ledger.define(definitions) == [1, 0x8000, 1, 2])
        try ledger.trickle(150..<300)
        let crashed = try directory.crashImage(of: files)
        ledger.close()

        // What no checkpoint has is found in the log.
        for files in [files, crashed] {
            ledger = try Ledger(files, options: .trickle)
            #expect(
                try await ledger.define([
                    NameDefinition(.statement, "region\t1\tarea\tsouth\t2025-07-01\t2"),
                    NameDefinition(.region, "Vinh", code: 7),
                ]) == [3, 7])
            check(ledger)
            try ledger.trickle(300..<420)
            ledger.close()
            check(try LedgerReader(files))
            #expect(try files.compact().rewritten > 1)
            check(try LedgerReader(files))
            try FileManager.default.removeItem(atPath: files.catalogue)
            check(try LedgerReader(files))
            try files.rebuild()
            check(try LedgerReader(files))
            #expect(try verificationFaults(files) == [])
        }
    }

    @Test func aCodeHasOneNameAndANameOneCode() async throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.create(timeZone: "UTC", cutoverMinutes: 0)
        let ledger = try Ledger(files)
        defer { ledger.close() }
        #expect(try await ledger.define([NameDefinition(.region, "Huế", code: 5)]) == [5])
        let wrong: [[NameDefinition]] = [
            [NameDefinition(.region, "Vinh"), NameDefinition(.region, "Huế", code: 6)],
            [NameDefinition(.region, "Vinh"), NameDefinition(.region, "Đà Lạt", code: 5)],
            [NameDefinition(.region, "Vinh", code: 9), NameDefinition(.region, "Đà Lạt", code: 9)],
            [NameDefinition(.region, "Vinh", code: 0)], [NameDefinition(.region, "Vinh", code: 0x8000)],
            [NameDefinition(.region, "")], [NameDefinition(.region, String(repeating: "x", count: 256))],
        ]
        for definitions in wrong {
            await #expect(throws: Refusal.self) { try await ledger.define(definitions) }
        }
        #expect(ledger.names(of: .region) == [5: "Huế"])
        // A name that nobody asked a code for gets the first one that is given out.
        #expect(try await ledger.codes(for: [Name(.region, "Vinh"), Name(.region, "Huế")]) == [0x8000, 5])
        // The same code in another space is another code.
        #expect(try await ledger.define([NameDefinition(.service, "Huế", code: 5)]) == [5])
    }
}
