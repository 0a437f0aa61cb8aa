/// Scratch memory for the columns of one block, 64 bits a value.
///
/// The columns begin 9 cache lines further apart than their length: at a power of two apart, the same row of all of
/// them would compete for the same few places in the cache.
final class ColumnTable {
    /// The most records.
    let capacity: Int
    private let storage: UnsafeMutablePointer<UInt64>
    private let stride: Int

    init(capacity: Int) {
        self.capacity = capacity
        stride = capacity + 72
        storage = .allocate(capacity: stride * Column.allCases.count)
    }

    deinit { storage.deallocate() }

    /// The first value of a column.
    @inline(__always)
    func start(_ column: Column) -> UnsafeMutablePointer<UInt64> { storage + stride * Int(column.rawValue) }

    /// The first `count` values of a column.
    func values(_ column: Column, count: Int) -> UnsafeMutableBufferPointer<UInt64> {
        UnsafeMutableBufferPointer(start: start(column), count: count)
    }
}

/// How many records have an id of each class; the next free place in the columns of the class while these are filled.
struct IDClassCounts {
    var timeOrdered = 0
    var random = 0
    var text = 0
    var other = 0

    /// None.
    init() {}

    /// As many of each class.
    init(eachOf count: Int) { (timeOrdered, random, text, other) = (count, count, count, count) }

    subscript(idClass: IDClass) -> Int {
        switch idClass {
        case .timeOrdered: timeOrdered
        case .random: random
        case .text: text
        case .other: other
        }
    }
}

/// Signed to unsigned and back, keeping the order.
let signBit: UInt64 = 1 << 63

/// The whole milliseconds of a time in microseconds, rounded down.
@inline(__always)
func milliseconds(ofMicroseconds time: Int64) -> Int64 {
    let quotient = time / 1000
    return quotient &* 1000 > time ? quotient &- 1 : quotient
}
