import Formats
import Reference
import Transactions

extension FuzzTarget {
    /// Files of reference data, of a kind that the first byte chooses: what is taken of them is written and read to the same
    /// again, and said once.
    static let reference = FuzzTarget(
        name: "reference", largestByteCount: 768, repair: nil, seeds: ReferenceSeeds.files
    ) {
        { bytes in
            guard let first = bytes.first, let table = try? CSVTable(Array(bytes.dropFirst())) else { return false }
            try require(
                table.rows.allSatisfy { $0.fields.count == table.header.count },
                "a row of another shape than the header")
            let hasCodes = first / 4 % 2 == 1
            return try isSaidOnce(table, kinds[Int(first) % 4], code: hasCodes ? table.header.first : nil)
        }
    }

    private static let kinds = [ReferenceKind.region, .service, .outcome, .offering]

    /// False when nothing of the table can be taken.
    private static func isSaidOnce(_ table: CSVTable, _ kind: ReferenceKind, code: String?) throws -> Bool {
        guard let columns = try? ReferenceColumns(kind, header: table.header, name: nil, code: code) else {
            return false
        }
        let rows = ReferenceImport(table, columns, from: nil)
        try require(rows.rejects.allSatisfy { $0.row > 0 }, "a row without a number")
        var codes: [Name: UInt32] = [:]
        for (place, definition) in rows.definitions.enumerated() {
            codes[definition.name] = definition.code ?? UInt32(place) + 1
        }
        guard rows.rejects.isEmpty else { return false }
        var book = ReferenceBook()
        let statements = rows.statements(codes: codes, beyond: book, momentMicroseconds: 1)
        for statement in statements {
            try require(
                ReferenceStatement(text: statement.text) == statement,
                "\(statement) is read otherwise than it was written")
            try require(
                statement.text.utf8.count <= NameSpace.statement.largestByteCount,
                "\(statement) is longer than a statement")
            book.add(statement)
        }
        try require(
            rows.statements(codes: codes, beyond: book, momentMicroseconds: 2).isEmpty,
            "the same file says something again")
        return !statements.isEmpty
    }
}

private enum ReferenceSeeds {
    @Sendable static func files() -> [[UInt8]] {
        [
            "\u{0}name,area,from\nHuế,centre,\nHuế,south,2025-07-01\n",
            "\u{5}code,name,bin\n1,ABB,970425\n2,\"A, C\",970416\n",
            "\u{3}agency,service,region,level,from,to\nA,S,R,3,2024-01-01,2024-12-31\nA,S,R,full,2025-01-01,\nB,T,,2,,2025-01-01\n",
            "\u{2}name,note\napproved,fine\ntimeout,slow\n",
        ].map { Array($0.utf8) }
    }
}
