import Synchronization
import Transactions

/// Another thread that takes over a part of the work. One piece of work after the other is begun and then waited for.
public protocol EncodingAssistant: Sendable {
    /// Begins `work` on the other thread, after what was begun before.
    func begin(_ work: @escaping @Sendable () -> Void)
    /// Waits until all is done that was begun.
    func finish()
}

/// What encoders need besides the bytes of their blocks: the columns of one block, and memory to encode them with.
///
/// Encoders may share one, as long as one block is encoded at a time. With an assistant two threads take the columns of large
/// blocks from one list; what a column becomes does not depend on who encodes it, so the block is the same either way.
public final class EncodingScratch {
    /// The most records of a block.
    public let capacity: Int
    let table: ColumnTable
    private let own: ColumnWorker
    private let other: ColumnWorker?
    private let assistant: (any EncodingAssistant)?
    private let leastSharedRecordCount: Int

    /// Scratch memory for blocks of up to `capacity` records, 1 to 65,536.
    /// - Parameters:
    ///   - assistant: takes part in blocks of at least `leastSharedRecordCount` records.
    public init(capacity: Int, assistant: (any EncodingAssistant)? = nil, leastSharedRecordCount: Int = .max) {
        precondition((1...BlockHeader.largestRecordCount).contains(capacity), "a block has 1 to 65,536 records")
        self.capacity = capacity
        self.assistant = assistant
        self.leastSharedRecordCount = leastSharedRecordCount
        table = ColumnTable(capacity: capacity)
        own = ColumnWorker(capacity: capacity)
        other = assistant.map { _ in ColumnWorker(capacity: capacity) }
    }

    /// Splits the records and encodes all columns that have values.
    func encode(_ records: UnsafeBufferPointer<Record>) -> (splitter: RecordSplitter, columns: [EncodedColumn]) {
        var splitter = RecordSplitter()
        splitter.split(records, into: table)
        let list = ColumnList(table, recordCount: records.count, idCounts: splitter.idCounts)
        if let assistant, let other, records.count >= leastSharedRecordCount {
            assistant.begin { other.work(on: list) }
            own.work(on: list)
            assistant.finish()
        } else {
            own.work(on: list)
        }
        return (splitter, list.encoded)
    }
}

/// A column's description and its bytes, valid until the next block is encoded.
struct EncodedColumn {
    var descriptor: ColumnDescriptor
    var bytes: UnsafeRawBufferPointer
}

/// The columns of a block, each to be taken once. The slots of the results are each written by the one that took the column,
/// and read when all are done.
private final class ColumnList: @unchecked Sendable {
    private let columns: [UnsafeBufferPointer<UInt64>]
    private let numbers: [UInt8]
    private let results: UnsafeMutablePointer<EncodedColumn?>
    private let next = Atomic<Int>(0)

    init(_ table: ColumnTable, recordCount: Int, idCounts: IDClassCounts) {
        let filled = Column.allCases.map { ($0, $0.valueCount(recordCount: recordCount, idCounts: idCounts)) }
            .filter { $0.1 > 0 }
        columns = filled.map { UnsafeBufferPointer(table.values($0.0, count: $0.1)) }
        numbers = filled.map(\.0.rawValue)
        results = .allocate(capacity: filled.count)
        results.initialize(repeating: nil, count: filled.count)
    }

    deinit { results.deallocate() }

    func take() -> (place: Int, values: UnsafeBufferPointer<UInt64>)? {
        let place = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return place < columns.count ? (place, columns[place]) : nil
    }

    func put(_ column: EncodedColumn, at place: Int) {
        var column = column
        column.descriptor.number = numbers[place]
        results[place] = column
    }

    /// In the order of the columns, once all were taken and put.
    var encoded: [EncodedColumn] { (0..<columns.count).compactMap { results[$0] } }
}

/// Encodes columns one after the other and keeps their bytes.
private final class ColumnWorker: @unchecked Sendable {
    private let encoder: ColumnEncoder
    private let bytes: UnsafeMutableRawPointer
    private let capacity: Int

    init(capacity: Int) {
        encoder = ColumnEncoder(capacity: capacity)
        // A column never takes more than its packed values. Those of a record have 64 bytes, but for the class of its id and a
        // time in the id that is far from the record's own, and the columns' anchors.
        self.capacity = capacity * 80 + 4096
        bytes = .allocate(byteCount: self.capacity, alignment: 64)
    }

    deinit { bytes.deallocate() }

    func work(on list: ColumnList) {
        var end = 0
        while let (place, values) = list.take() {
            let encoded = encoder.encode(values)
            precondition(end + encoded.bytes.count <= capacity, "columns take no more than their packed values")
            if let base = encoded.bytes.baseAddress {
                (bytes + end).copyMemory(from: base, byteCount: encoded.bytes.count)
            }
            let kept = UnsafeRawBufferPointer(start: bytes + end, count: encoded.bytes.count)
            list.put(EncodedColumn(descriptor: encoded.descriptor, bytes: kept), at: place)
            end += encoded.bytes.count
        }
    }
}
