/// Counts of values by size, as Prometheus keeps them: how many were at most each of some bounds.
///
/// Adding costs a walk over the bounds, of which there are few.
public struct Histogram: Sendable {
    /// The largest value of each bucket, ascending; a last one without bound follows.
    public let bounds: [Double]
    /// Values in each bucket; one more than there are bounds.
    public private(set) var counts: [UInt64]
    /// The sum of all values.
    public private(set) var sum = 0.0

    /// Seconds, from a quarter of a millisecond to eight seconds, each twice the one before.
    public static let secondsBounds = (0...15).map { 0.000_25 * Double(1 << $0) }

    /// A histogram without values.
    public init(bounds: [Double]) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds ascend")
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// How many values there are.
    public var count: UInt64 { counts.reduce(0, +) }

    /// Adds a value.
    public mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }
}
