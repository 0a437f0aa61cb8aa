/// What a reader has of a row that did not end in the bytes it was given.
public struct UnfinishedRow: Sendable {
    /// The row's bytes so far.
    let bytes: [UInt8]
    /// The rest of the line is to be left aside: the row was rejected already.
    let isSkipping: Bool

    /// True when the bytes ended with a row.
    public var isNone: Bool { bytes.isEmpty && !isSkipping }

    static let none = UnfinishedRow(bytes: [], isSkipping: false)
}

extension InputBuffer {
    /// All that no row has consumed yet.
    func unfinishedRow(isSkipping: Bool) -> UnfinishedRow {
        UnfinishedRow(bytes: Array(UnsafeBufferPointer(start: base, count: count)), isSkipping: isSkipping)
    }

    /// Goes on where another reader stopped.
    mutating func begin(after row: UnfinishedRow) {
        removeAll()
        row.bytes.withUnsafeBytes { append($0) }
    }
}
