import AllocationCounter
import Foundation

/// Allocations by thread.
struct AllocationCounts {
    private struct Line {
        var thread: String
        var count: UInt64
        var bytes: UInt64
    }

    private let lines: [Line]

    /// Up to now.
    init() {
        lines = (0..<allocation_thread_count()).map { number in
            var line = allocation_count_of(number)
            let name = withUnsafeBytes(of: &line.thread) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            return Line(thread: name, count: line.count, bytes: line.bytes)
        }
    }

    private init(lines: [Line]) { self.lines = lines }

    /// Those since `earlier`.
    static func - (counts: Self, earlier: Self) -> Self {
        AllocationCounts(
            lines: counts.lines.enumerated().map { number, line in
                guard number < earlier.lines.count else { return line }
                let before = earlier.lines[number]
                return Line(thread: line.thread, count: line.count - before.count, bytes: line.bytes - before.bytes)
            })
    }

    /// Of all threads.
    var count: UInt64 { lines.reduce(0) { $0 + $1.count } }

    /// Writes a table, in allocations and bytes a batch.
    func print(batchCount: Int) {
        func row(_ name: String, _ count: UInt64, _ bytes: UInt64) {
            Swift.print(
                name.padding(toLength: 16, withPad: " ", startingAt: 0),
                String(
                    format: "%10.2f %14.0f", Double(count) / Double(batchCount), Double(bytes) / Double(batchCount)))
        }
        Swift.print("thread             a batch  bytes a batch")
        for line in lines.sorted(by: { $0.count > $1.count }) where line.count > 0 {
            row(line.thread.isEmpty ? "(ended)" : line.thread, line.count, line.bytes)
        }
        row("all", count, lines.reduce(0) { $0 + $1.bytes })
    }
}
