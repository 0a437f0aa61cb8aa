import Foundation
import Ledger
import Rollups
import Service
import SluiceClient
import Storage
import StreamProtocol
import Transactions

typealias Dimension = Rollups.Dimension

/// Asks a ledger: the daemon that holds it, over the ledger's own socket, else the files themselves.
enum LedgerAccess: Sendable {
    case daemon(SluiceClient)
    case files(any LedgerView & SnapshotSource)

    /// Finds out who can answer. A daemon that starts or stops just now is waited for.
    /// - Parameter forWriting: hold the ledger, where no daemon does.
    static func open(_ files: LedgerFiles, forWriting: Bool = false) async throws -> LedgerAccess {
        for attempt in 0... {
            do {
                if forWriting { return .files(try Ledger(files, report: { complain("sluice: \($0)") })) }
                return .files(try LedgerReader(files))
            } catch LedgerError.inUse(let directory) {
                do {
                    var configuration = ClientConfiguration()
                    configuration.clientName = "sluice command"
                    configuration.reconnectMilliseconds = 0
                    return .daemon(
                        try await SluiceClient.connect(
                            to: .unixSocket(path: files.socket), configuration: configuration))
                } catch {
                    guard attempt < 50 else { throw LedgerError.inUse(directory: directory) }
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
        }
        preconditionFailure("the loop above ends by returning or throwing")
    }

    /// Opens a ledger for the length of `work`.
    /// - Parameter forWriting: hold the ledger, where no daemon does.
    static func with<Outcome>(
        _ data: DataOption, forWriting: Bool = false, _ work: (LedgerAccess) async throws -> Outcome
    ) async throws -> Outcome {
        let access = try await open(try data.files(), forWriting: forWriting)
        do {
            let outcome = try await work(access)
            await access.close()
            return outcome
        } catch {
            await access.close()
            throw error
        }
    }

    /// What tables of SQL are laid over.
    func source(_ files: LedgerFiles) async throws -> any LedgerView & SnapshotSource {
        switch self {
        case .files(let reader): reader
        case .daemon: try await ServedLedger(self, files)
        }
    }

    /// The sequence after the last record of those that a daemon has made durable.
    func end() async throws -> UInt64 { try await ask(.end) }

    func close() async {
        switch self {
        case .daemon(let client): await client.close()
        case .files(let view): (view as? Ledger)?.close()
        }
    }

    func answer(_ question: Question, despiteDamage: Bool) async throws -> Answer {
        switch self {
        case .files(let reader): try reader.answer(question, despiteDamage: despiteDamage)
        case .daemon: try await ask(.answer(question, despiteDamage: despiteDamage))
        }
    }

    func find(_ text: String, despiteDamage: Bool) async throws -> Findings {
        switch self {
        case .files(let reader): try reader.find(printed: text, despiteDamage: despiteDamage)
        case .daemon: try await (ask(.find(text, despiteDamage: despiteDamage)) as FindingsMessage).findings
        }
    }

    func sequence(committedBy microseconds: Int64) async throws -> UInt64 {
        switch self {
        case .files(let reader): try reader.sequence(committedBy: microseconds)
        case .daemon: try await ask(.sequence(committedBy: microseconds))
        }
    }

    func status() async throws -> LedgerStatus {
        switch self {
        case .files(let reader): try reader.status()
        case .daemon: try await ask(.status)
        }
    }

    /// The rollups that are kept, in the order in which questions try them.
    func rollups() async throws -> [KeptRollup] {
        switch self {
        case .files(let reader): try reader.rollups()
        case .daemon: try await ask(.rollups)
        }
    }

    func codes(of names: [String], in space: NameSpace) async throws -> [UInt32?] {
        switch self {
        case .files(let reader): reader.knownCodes(for: names.map { Name(space, $0) })
        case .daemon: try await ask(.codes(space: space.rawValue, names: names))
        }
    }

    /// The names of codes that have one.
    func names(of codes: Set<UInt32>, in space: NameSpace) async throws -> [UInt32: String] {
        let codes = codes.sorted()
        switch self {
        case .files(let reader):
            let all = reader.names(of: space)
            return Dictionary(uniqueKeysWithValues: codes.compactMap { code in all[code].map { (code, $0) } })
        case .daemon:
            var names: [UInt32: String] = [:]
            for start in stride(from: 0, to: codes.count, by: LedgerAccess.codesPerQuery) {
                let piece = Array(codes[start..<min(start + LedgerAccess.codesPerQuery, codes.count)])
                let found: [String?] = try await ask(.names(space: space.rawValue, codes: piece))
                for (code, name) in zip(piece, found) { names[code] = name }
            }
            return names
        }
    }

    /// Codes of ten digits that fit into one query, which has at most 64 KiB.
    private static let codesPerQuery = 5000

    func ask<Reply: Decodable>(_ query: LocalQuery) async throws -> Reply {
        guard case .daemon(let client) = self else { preconditionFailure("only a daemon is asked") }
        let reply = try await client.query(Array(JSONEncoder().encode(query)))
        return try JSONDecoder().decode(Reply.self, from: Data(reply))
    }
}

/// Names of the codes in an answer or in records, fetched once.
struct NameBook {
    private var names: [NameSpace: [UInt32: String]] = [:]

    mutating func fetch(_ codes: Set<UInt32>, _ space: NameSpace, from access: LedgerAccess) async throws {
        names[space, default: [:]].merge(try await access.names(of: codes.subtracting([0]), in: space)) { $1 }
    }

    func name(_ space: NameSpace, _ code: UInt32) -> String? { names[space]?[code] }
}
