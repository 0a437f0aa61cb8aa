/// How much a ledger may use. The defaults fit one machine of a national switch.
public struct LedgerOptions: Sendable {
    /// Slots of the ring, 64 bytes each; a power of two.
    public var ringSlotCount = 1 << 18
    /// Blocks of so many records or more are encoded and chained by two threads.
    public var sharedEncodingRecordCount = 8192
    /// Commits of at most so many records are written as rows: while a few wait for their receipts, making columns takes longer
    /// than writing half as many bytes again. Compaction makes columns of them later.
    public var rowsRecordCount = 256
    /// A log segment is sealed before it grows beyond this.
    public var segmentByteCount = 256 << 20
    /// Space of the log is secured ahead in steps of so much.
    public var securedByteCount = 16 << 20
    /// Behind small blocks the log is filled with so many zeros ahead, which makes flushes of the next ones quicker; 0: never.
    public var zeroedByteCount = 512 << 10
    /// So many small blocks behind each other let expect more of them.
    public var zeroingBlockCount = 16
    /// Tables of open dates move to files when they take more than this.
    public var identityByteCount = 1 << 30
    /// After so many records it is seen whether tables have to move.
    public var identityCheckCount: UInt64 = 1 << 20
    /// A date whose table got nothing new for so many records moves to a file.
    public var identityIdleCount: UInt64 = 4 << 20
    /// Recent records whose duplicates are told without reading them back, at 8 bytes each.
    public var digestCount = 32 << 20
    /// The most names that a space may have.
    public var nameCount = 4 << 20
    /// The most bytes of text that the names of all spaces may have. In memory each name takes about 100 bytes besides.
    public var nameByteCount = 256 << 20
    /// Statistics that no checkpoint has yet may take so much memory before one is made.
    public var unsavedRollupByteCount = 128 << 20
    /// A rollup that is filled from the log is saved after so many records.
    public var fillStepRecordCount: UInt64 = 1 << 20
    /// Seconds after which statistics are saved, when there are any.
    public var checkpointSeconds = 10

    /// Threads that count together for one question, or read the log together at the start; nil: as many as there are
    /// processors, at most 8.
    public var threadCount: Int?

    /// Sealed segments of small blocks are rewritten into full ones in the background.
    public var compactsSegments = true
    /// Records of a full block, at most 65,536.
    public var compactedBlockRecordCount = 1 << 16

    /// The defaults.
    public init() {}
}
