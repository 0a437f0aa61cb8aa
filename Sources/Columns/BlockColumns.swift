import Transactions

/// Fields of a block's records side by side, as `Column` says how each is stored. Valid until its decoder's next call.
public struct BlockColumns {
    /// Number of records.
    public let count: Int
    private let table: ColumnTable
    private let filled: ColumnSet

    init(count: Int, table: ColumnTable, filled: ColumnSet) {
        self.count = count
        self.table = table
        self.filled = filled
    }

    /// A value for each record, none of them beyond the column's width.
    /// - Precondition: the column was asked for.
    public func values(of column: Column) -> UnsafeBufferPointer<UInt64> {
        precondition(filled.contains(column), "a column that was not decoded")
        return UnsafeBufferPointer(table.values(column, count: count))
    }
}

extension ColumnSet {
    /// Those with a value for every record: all but what ids are made of.
    public static let fields = ColumnSet(
        rawValue: Column.allCases.filter { $0.rawValue >= Column.time.rawValue && !$0.isRank }
            .reduce(0) { $0 | 1 << UInt32($1.rawValue) })
}

extension BlockHeader {
    /// Which of the block's bytes `BlockDecoder.columns` looks at, in order.
    public func byteRanges(of columns: ColumnSet) -> [Range<Int>] {
        guard layout == .columns else { return [payloadOffset..<payloadOffset + payloadByteCount] }
        var ranges: [Range<Int>] = []
        var offset = payloadOffset
        for descriptor in self.columns {
            let range = offset..<offset + descriptor.storedByteCount
            offset = range.upperBound
            guard let column = Column(rawValue: descriptor.number), columns.contains(column) else { continue }
            if let last = ranges.last, last.upperBound == range.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
            } else {
                ranges.append(range)
            }
        }
        return ranges
    }
}
