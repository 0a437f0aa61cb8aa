import Foundation
import Ledger
import NIOPosix
import Rollups
import Storage
import Transactions

/// What the command asks a running daemon over the ledger's own socket, as JSON.
public enum LocalQuery: Codable, Sendable {
    /// Statistics.
    case answer(Question, despiteDamage: Bool)
    /// The records with an id, as the user wrote it.
    case find(String, despiteDamage: Bool)
    /// What is in the ledger.
    case status
    /// The last sequence that was committed by a moment, microseconds since 1970 UTC.
    case sequence(committedBy: Int64)
    /// Codes of names that have one.
    case codes(space: UInt8, names: [String])
    /// Names of codes.
    case names(space: UInt8, codes: [UInt32])
    /// All names of a space by their codes.
    case allNames(space: UInt8)
    /// The texts of a space that begin with one of the words and a tab, in the order of their codes.
    case statements(kinds: [String])
    /// The rollups that are kept.
    case rollups
    /// Codes of names, which are given where they have none. It changes the ledger: only its own socket takes queries.
    case define([NameDefinition])
    /// The sequence after the last durable record's.
    case end
}

/// What was found for an id as it crosses the socket.
public struct FindingsMessage: Codable, Sendable {
    /// The records.
    public var records: [RecordLine]
    /// Where others may be.
    public var damage: [DamageMark]

    /// The findings; records with malformed digits are left out.
    public var findings: Findings { Findings(records: records.compactMap(\.found), damage: damage) }
}

/// A record as it crosses the socket: its 64 bytes in hexadecimal digits.
public struct RecordLine: Codable, Sendable {
    /// Its sequence.
    public var sequence: UInt64
    /// 128 hexadecimal digits.
    public var bytes: String

    /// A line for a record that was found.
    public init(_ found: FoundRecord) {
        sequence = found.sequence
        bytes = withUnsafeBytes(of: found.record) { hexadecimal($0) }
    }

    /// The record; nil when the digits are none.
    public var found: FoundRecord? {
        guard let raw = Transactions.bytes(hexadecimal: bytes), raw.count == Record.byteCount else { return nil }
        return FoundRecord(sequence: sequence, record: raw.withUnsafeBytes { $0.loadUnaligned(as: Record.self) })
    }
}

extension LedgerView {
    /// Answers a query of the local socket that changes nothing. Blocks.
    public func answer(localQuery bytes: [UInt8]) throws -> [UInt8] {
        Array(try answer(JSONDecoder().decode(LocalQuery.self, from: Data(bytes))))
    }

    fileprivate func answer(_ query: LocalQuery) throws -> Data {
        let encoder = JSONEncoder()
        let reply: Data
        switch query {
        case .answer(let question, let despiteDamage):
            reply = try encoder.encode(answer(question, despiteDamage: despiteDamage))
        case .find(let text, let despiteDamage):
            let found = try find(printed: text, despiteDamage: despiteDamage)
            reply = try encoder.encode(
                FindingsMessage(records: found.records.map(RecordLine.init), damage: found.damage))
        case .status: reply = try encoder.encode(status())
        case .sequence(let moment): reply = try encoder.encode(sequence(committedBy: moment))
        case .codes(let space, let names):
            let space = try NameSpace(checked: space)
            reply = try encoder.encode(knownCodes(for: names.map { Name(space, $0) }))
        case .names(let space, let codes):
            let names = names(of: try NameSpace(checked: space))
            reply = try encoder.encode(codes.map { names[$0] })
        case .allNames(let space): reply = try encoder.encode(names(of: try NameSpace(checked: space)))
        case .statements(let kinds): reply = try encoder.encode(statements(ofKinds: kinds))
        case .rollups: reply = try encoder.encode(rollups())
        case .define:
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "this changes the ledger"))
        case .end:
            reply = try encoder.encode((self as? any SnapshotSource)?.snapshot().endSequence ?? status().records + 1)
        }
        return reply
    }

    /// The statements of reference data of some kinds, in the order in which they were made.
    public func statements(ofKinds kinds: [String]) -> [String] {
        let starts = kinds.map { $0 + "\t" }
        return names(of: .statement).filter { entry in starts.contains { entry.value.hasPrefix($0) } }
            .sorted { $0.key < $1.key }.map(\.value)
    }
}

extension NameSpace {
    fileprivate init(checked code: UInt8) throws {
        guard let space = NameSpace(rawValue: code) else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "\(code) is no space of names"))
        }
        self = space
    }
}

/// Answers queries of the local socket, those that read disks on threads of its own.
public func queryHandler(for ledger: Ledger, threads: NIOThreadPool) -> QueryHandler {
    { bytes in
        switch try JSONDecoder().decode(LocalQuery.self, from: Data(bytes)) {
        case .define(let definitions): try await Array(JSONEncoder().encode(ledger.define(definitions)))
        case let query: try await threads.runIfActive { try Array(ledger.answer(query)) }
        }
    }
}
