import Columns
import Storage
import Transactions

/// Which records are asked for, page by page.
public struct RecordRequest: Hashable, Sendable {
    /// Only those with greater sequences.
    public var after: UInt64
    /// Only those of these sources.
    public var sources: Set<UInt16>
    /// Only those whose time lies between, microseconds since 1970-01-01 UTC, both included.
    public var times: ClosedRange<Int64>

    /// A request for the first page.
    public init(sources: Set<UInt16>, times: ClosedRange<Int64>) {
        (after, self.sources, self.times) = (0, sources, times)
    }
}

/// Some records in order of sequence.
public struct RecordPage: Hashable, Sendable {
    /// Of whole blocks, so there may be none.
    public var records: [FoundRecord]
    /// What the next request asks to come after; nil: this was the last page.
    public var next: UInt64?

    /// A page from its parts.
    public init(records: [FoundRecord], next: UInt64?) { (self.records, self.next) = (records, next) }
}

extension LogSnapshot {
    /// From so many records on a page ends with its block.
    private static let pageRecordCount = 16_384

    /// The next page of records.
    /// - Throws: `LogError` when a block that may hold any cannot be read.
    public func page(_ request: RecordRequest) throws -> RecordPage {
        let decoder = BlockDecoder()
        let buffer = UnsafeMutableBufferPointer<Record>.allocate(capacity: decoder.capacity)
        defer { buffer.deallocate() }
        var page = RecordPage(records: [], next: nil)
        try log.forEachBlock(
            from: request.after + 1, before: endSequence,
            where: { entry in
                page.next == nil && entry.recordCount > 0 && entry.firstSequence < endSequence
                    && entry.timeRange.overlaps(request.times)
            }
        ) { segment, entry in
            let (header, bytes) = try log.read(entry, in: segment)
            let records = UnsafeMutableBufferPointer(rebasing: buffer[..<entry.recordCount])
            do {
                try bytes.withUnsafeBytes { try decoder.decode(header, $0, into: records) }
            } catch {
                throw DamagedStretch(entry, in: segment.path, reason: "\(error)").error
            }
            for (place, record) in records.enumerated() {
                let sequence = entry.firstSequence + UInt64(place)
                guard sequence > request.after, sequence < endSequence, request.times.contains(record.timeMicroseconds),
                    request.sources.contains(record.source)
                else { continue }
                page.records.append(FoundRecord(sequence: sequence, record: record))
            }
            if page.records.count >= LogSnapshot.pageRecordCount { page.next = entry.endSequence - 1 }
        }
        return page
    }
}
