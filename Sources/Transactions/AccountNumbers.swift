/// Account numbers on their way to a tokeniser, each with the UTC date of its record: in memory only, and never printed.
///
/// All bytes lie in one piece, so that a batch of many accounts costs no allocation for each.
public struct AccountNumbers: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var days: [CalendarDay] = []

    /// No account number.
    public init() {}

    /// How many there are.
    public var count: Int { ends.count }
    /// True when there is none.
    public var isEmpty: Bool { ends.isEmpty }
    /// The positions, from 0.
    public var indices: Range<Int> { 0..<ends.count }

    /// Adds one at the end.
    /// - Parameter day: the UTC date of the time of the record that it is for.
    public mutating func append(_ account: UnsafeRawBufferPointer, on day: CalendarDay) {
        bytes.append(contentsOf: account)
        ends.append(bytes.count)
        days.append(day)
    }

    /// Adds one at the end.
    /// - Parameter day: the UTC date of the time of the record that it is for.
    public mutating func append(_ account: [UInt8], on day: CalendarDay) {
        account.withUnsafeBytes { append($0, on: day) }
    }

    /// Lends the bytes of one; they must not be kept.
    public func withBytes<Result>(at position: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows
        -> Result
    {
        let start = position == 0 ? 0 : ends[position - 1]
        return try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[start..<ends[position]])) }
    }

    /// The UTC date of one.
    public func day(at position: Int) -> CalendarDay { days[position] }

    /// The latest date; nil when there is none.
    public var lastDay: CalendarDay? { days.max() }

    /// How many there are, and nothing of what they are.
    public var description: String { "\(count) account numbers" }
    /// Shows nothing to `dump` and debuggers.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
