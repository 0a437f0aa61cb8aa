import ReferenceDay
import Transactions

let day = CalendarDay("2026-03-02")!
let dayStartMicroseconds = Int64(day.daysSince1970) * 86_400_000_000

/// The whole day, asked for in chunks of the given sizes, over and over.
func records(count: Int, seed: UInt64 = 1, chunks: [Int] = [4096]) -> (records: [Record], census: ReferenceDay.Census) {
    var stream = ReferenceDay(day: day, count: count, seed: seed)
    var records: [Record] = []
    let buffer = UnsafeMutableBufferPointer<Record>.allocate(capacity: chunks.max()!)
    defer { buffer.deallocate() }
    var turn = 0
    while true {
        let written = stream.fill(UnsafeMutableBufferPointer(rebasing: buffer[..<chunks[turn % chunks.count]]))
        if written == 0 { return (records, stream.census) }
        records.append(contentsOf: buffer[..<written])
        turn += 1
    }
}

/// What may exist only once.
struct Identity: Hashable {
    let utcDay: Int32
    let source: UInt16
    let kindAndEvent: UInt8
    let step: UInt8
    let id: RecordID

    init(_ record: Record) {
        utcDay = record.utcDay
        source = record.source
        kindAndEvent = record.kindAndEvent
        step = record.step
        id = record.id
    }
}

/// The verdicts of a ledger that is fed the records in order.
func ledgerVerdicts(_ records: [Record]) -> (accepted: [Record], duplicates: [Record], conflicts: [Record]) {
    var known: [Identity: Record] = [:]
    var result: (accepted: [Record], duplicates: [Record], conflicts: [Record]) = ([], [], [])
    for record in records {
        switch known[Identity(record)] {
        case nil:
            known[Identity(record)] = record
            result.accepted.append(record)
        case record: result.duplicates.append(record)
        default: result.conflicts.append(record)
        }
    }
    return result
}
