import ArgumentParser
import Foundation
import Ledger
import Presentation
import Rollups
import Service
import SluiceClient

/// `--data`, or the environment's SLUICE_DATA.
struct DataOption: ParsableArguments {
    @Option(name: .long, help: "The ledger's directory (SLUICE_DATA when absent).", completion: .directory)
    var data: String?

    /// The ledger's files.
    func files() throws -> LedgerFiles {
        guard let directory = data ?? ProcessInfo.processInfo.environment["SLUICE_DATA"], !directory.isEmpty else {
            throw UsageError("which ledger? Name it with --data DIRECTORY, or set SLUICE_DATA")
        }
        return LedgerFiles(directory: directory)
    }
}

/// `--despite-damage`.
struct DamageOption: ParsableArguments {
    @Flag(help: "Leave out what cannot be read where the log is damaged, and name it, instead of failing.")
    var despiteDamage = false
}

/// Names damage on standard error: what an answer lacks, and what only should be known.
func complain(of damage: [DamageMark]) {
    for mark in damage { complain("\(mark)\(mark.isLeftOut ? "; left out" : "")") }
}

/// `HOST:PORT`; a host with colons in brackets.
struct HostAndPort: ExpressibleByArgument {
    let host: String
    let port: Int

    init?(argument: String) {
        guard let separator = argument.lastIndex(of: ":"),
            let port = UInt16(argument[argument.index(after: separator)...])
        else { return nil }
        var host = String(argument[..<separator])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else { return nil }
        self.host = host
        self.port = Int(port)
    }

    var defaultValueDescription: String { "\(host):\(port)" }

    var address: ServerAddress { .tcp(host: host, port: port) }

    /// True when only this machine can reach it.
    var isLoopback: Bool { Service.isLoopback(host: host) }
}

extension OutputFormat: ExpressibleByArgument {}

/// The name of a variable of the environment.
func variableName(_ argument: String) throws -> String {
    guard TokenKeyFile.isVariable(argument) else {
        throw ValidationError("expected a name of letters, digits and underscores")
    }
    return argument
}

/// A list of words with commas between.
struct WordList: ExpressibleByArgument {
    let words: [String]

    var defaultValueDescription: String { words.joined(separator: ", ") }

    init(argument: String) {
        words = argument.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}
