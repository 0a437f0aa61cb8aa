import Columns

/// What is needed to rewrite a sealed segment, and to see whether that is worth while.
extension Log {
    /// Reads a sealed segment from its first block to its last.
    public func walk(_ segment: LogSegment) -> SegmentWalk {
        SegmentWalk(
            file: segment.file, ledger: settings.ledger,
            sequences: segment.firstSequence..<(successor(of: segment)?.firstSequence ?? endSequence),
            path: segment.path)
    }

    /// The header and the declarations of a segment's first block, which are checked.
    public func firstBlock(of segment: LogSegment) throws -> (header: BlockHeader, declarations: [Declaration]) {
        var window = FileWindow(
            file: segment.file, fileByteCount: try segment.file.byteCount(),
            windowByteCount: Log.surveyedByteCount)
        return try naming(segment, offset: 0) {
            let header = try window.header(at: 0)
            try header.checkPlace(
                ledger: settings.ledger, offset: 0, previousChecksum: nil, firstSequence: segment.firstSequence)
            let block = 0..<header.byteCount + header.declarationsByteCount
            return (
                header,
                try window.withBytes(of: block) { try BlockDecoder(capacity: 1).declarations(header, $0) }
            )
        }
    }

    /// True when a segment has more than `count` blocks; hops from header to header and stops there.
    public func hasMoreBlocks(than count: Int, in segment: LogSegment) throws -> Bool {
        if let known = segment.knownBlockCount { return known > count }
        let fileByteCount = try segment.file.byteCount()
        var window = FileWindow(
            file: segment.file, fileByteCount: fileByteCount, windowByteCount: Log.surveyedByteCount)
        var offset = 0
        for _ in 0...count {
            if offset >= fileByteCount { return false }
            offset += try naming(segment, offset: offset) { try window.header(at: offset).totalByteCount }
        }
        return true
    }

    /// Bytes of a segment's file.
    public func byteCount(of segment: LogSegment) throws -> Int { try segment.file.byteCount() }

    /// Most headers with what they declare fit into so much; blocks that follow are not read with them.
    private static let surveyedByteCount = 4096

    private func naming<Result>(
        _ segment: LogSegment, offset: Int, _ body: () throws -> Result
    ) throws -> Result {
        do {
            return try body()
        } catch BlockError.unsupportedVersion(let version) {
            throw LogError.newerFormat(path: segment.path, version: Int(version))
        } catch let error as BlockError {
            throw walk(segment).damage(at: offset, sequences: walk(segment).sequences, "\(error)")
        }
    }
}
