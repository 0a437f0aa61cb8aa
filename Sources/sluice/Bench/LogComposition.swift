import Columns
import Foundation
import Transactions

/// What the bytes of a log at rest are spent on.
struct LogComposition: Encodable, Sendable {
    struct Part: Encodable, Sendable {
        var name: String
        var bytes: Int
    }

    /// Columns by their records' fields, records that are stored as plain rows, names, and headers with what fills blocks up;
    /// the largest first.
    private(set) var parts: [Part] = []

    /// Reads the header of every block.
    init(of data: String) throws {
        var bytes: [String: Int] = [:]
        let log = URL(fileURLWithPath: data + "/log")
        for file in try FileManager.default.contentsOfDirectory(at: log, includingPropertiesForKeys: nil) {
            try Data(contentsOf: file, options: .alwaysMapped).withUnsafeBytes { content in
                var rest = content[...]
                while !rest.isEmpty {
                    let header = try BlockHeader(parsing: UnsafeRawBufferPointer(rebasing: rest))
                    LogComposition.add(header, to: &bytes)
                    rest = rest.dropFirst(header.totalByteCount)
                }
            }
        }
        parts = bytes.map { Part(name: $0, bytes: $1) }.sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
    }

    private static func add(_ header: BlockHeader, to bytes: inout [String: Int]) {
        var rest = header.totalByteCount - header.declarationsByteCount
        for column in header.columns {
            let name = Column(rawValue: column.number)?.field.name ?? "column \(column.number)"
            bytes[name, default: 0] += column.storedByteCount
            rest -= column.storedByteCount
        }
        if header.layout == .rows {
            bytes["plain rows", default: 0] += header.recordCount * Record.byteCount
            rest -= header.recordCount * Record.byteCount
        }
        bytes["names", default: 0] += header.declarationsByteCount
        bytes["headers", default: 0] += rest
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Dictionary(uniqueKeysWithValues: parts.map { ($0.name, $0.bytes) }))
    }
}
