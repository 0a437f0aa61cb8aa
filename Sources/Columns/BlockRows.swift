import Transactions

extension BlockDecoder {
    /// Decodes single rows.
    public func decode(
        _ header: BlockHeader, _ bytes: UnsafeRawBufferPointer, rows: [Int],
        into records: UnsafeMutableBufferPointer<Record>
    ) throws(BlockError) {
        let all = UnsafeMutableBufferPointer<Record>.allocate(capacity: max(1, header.recordCount))
        defer { all.deallocate() }
        try decode(header, bytes, into: all)
        for (place, row) in rows.enumerated() { records[place] = all[row] }
    }
}
