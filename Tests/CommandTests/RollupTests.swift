import Foundation
import Testing

/// Rollups as people declare them, with and without a daemon.
@Suite struct RollupTests {
    private static let question = ["--by", "region,service", "--measures", "attempts,amount", "--format", "csv"]

    /// Which rollup answers, by the words of `rollup explain`.
    private func source(_ workshop: Workshop) async throws -> String? {
        let explained = try await workshop.run(
            program: [Workshop.executable, "rollup", "explain", "--data", workshop.data] + Self.question)
        #expect(explained.code == 0, "\(explained.errors)")
        return explained.rows.first { $0[2].contains("yes") }?[1]
    }

    private func figures(_ workshop: Workshop) async throws -> String {
        let result = try await workshop.run(
            program: [Workshop.executable, "daily", "--data", workshop.data] + Self.question)
        #expect(result.code == 0, "\(result.errors)")
        return result.output
    }

    @Test func theyAreDeclaredAtRestAndBesideADaemon() async throws {
        try await Workshop.open { workshop in
            let day = "\(workshop.path)/day.raw"
            let generated = try await workshop.run(
                "generate", "--day", "2026-03-10", "--count", "20000", "--seed", "5", "--format", "binary", "--output",
                day)
            #expect(generated.code == 0, "\(generated.errors)")
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            #expect(try await workshop.run("load", day, "--data", workshop.data).code < 2)
            let counted = try await figures(workshop)
            #expect(try await source(workshop) == "records")
            let add = ["rollup", "add", "places", "--by", "region,service", "--data", workshop.data]
            let added = try await workshop.run(program: [Workshop.executable] + add)
            #expect(added.code == 0 && added.output == "places: whole\n", "\(added.errors)")
            #expect(try await source(workshop) == "places")
            #expect(try await figures(workshop) == counted)
            let again = try await workshop.run(program: [Workshop.executable] + add)
            #expect(again.code == 64 && again.errors.contains("there is a rollup 'places' already: whole"))

            try await workshop.withDaemon { _ in
                #expect(try await source(workshop) == "places")
                #expect(try await figures(workshop) == counted)
                let months = try await workshop.run(
                    "rollup", "add", "months", "--by", "channel", "--grain", "month", "--measures", "attempts",
                    "--keep-days", "365", "--wait", "--data", workshop.data)
                #expect(months.code == 0 && months.output == "months: whole\n", "\(months.errors)")
                let listed = try await workshop.run("rollup", "list", "--data", workshop.data, "--format", "csv")
                #expect(listed.rows.map { $0[0] }.prefix(2) == ["months", "regions"])
                #expect(
                    listed.output.contains("months,month,channel,attempts,\"365 days, from 2025-03-01\",whole"))
                let cells = try await workshop.run(
                    "sql", "SELECT month, channel, attempts FROM rollup_months WHERE channel = 'qr'", "--data",
                    workshop.data, "--format", "csv")
                #expect(cells.rows.count == 1 && cells.rows[0][0] == "2026-03", "\(cells.errors)")
                let dropped = try await workshop.run("rollup", "drop", "places", "--data", workshop.data)
                #expect(dropped.code == 0 && dropped.output == "dropped places\n", "\(dropped.errors)")
                #expect(try await source(workshop) == "records")
                #expect(try await figures(workshop) == counted)
            }
            let verified = try await workshop.run("verify", "--data", workshop.data)
            #expect(verified.code == 0, "\(verified.errors)")
        }
    }

    @Test(
        arguments: [
            (["add", "Places", "--by", "region"], "'Places' is no name for a rollup"),
            (["add", "regions", "--by", "region"], "'regions' is one of the rollups that every ledger keeps"),
            (["add", "p", "--by", "regoin"], "'regoin' is none of them; did you mean \"region\"?"),
            (["add", "p", "--by", "region", "--measures", "payers"], "no rollup can hold payers"),
            (["add", "p", "--by", "amount_band"], "no rollup can have amount_band"),
            (["add", "p", "--by", "day"], "day is known of every rollup and cannot be declared"),
            (["add", "p", "--by", "hour"], "cells by hour have --grain hour"),
            (["add", "p", "--by", "payee,service,source,region,payer_institution,payee_institution"], "a key has 128"),
            (["add", "p", "--by", "region", "--keep-days", "0"], "--keep-days is 1 to 36525"),
            (["drop", "regions"], "'regions' is one of the rollups that every ledger keeps"),
            (["drop", "place"], "there is no rollup 'place'"),
        ] as [([String], String)])
    func whatCannotBeIsRefused(_ words: [String], _ reason: String) async throws {
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            let result = try await workshop.run(
                program: [Workshop.executable, "rollup"] + words + ["--data", workshop.data])
            #expect(result.code == 64 && result.errors.contains(reason), "\(result.errors)")
        }
    }
}
