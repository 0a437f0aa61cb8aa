import Benchmark

// Everything is said in records a second: how many records of 64 bytes a piece of the engine handles, on one thread unless
// the name says otherwise. The anchors are what this machine can do at all; tools/benchmarks scales its thresholds by them.

let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.recordsPerSecond, .throughput], warmupIterations: 3, maxDuration: .seconds(2), maxIterations: 1000)
    registerAnchors()
    registerRing()
    registerColumns()
    registerBlocks()
    registerIdentities()
    registerRollups()
    registerFrames()
}

extension BenchmarkMetric {
    /// What tools/benchmarks reads.
    static let recordsPerSecond = BenchmarkMetric.custom(
        "records / s", polarity: .prefersLarger, useScalingFactor: false)
    /// The ring's anchor.
    static let wordsPerSecond = BenchmarkMetric.custom("words / s", polarity: .prefersLarger, useScalingFactor: false)
}

extension Benchmark {
    /// Measures `body`, which handles so many records.
    func measure(records count: Int, _ body: () throws -> Void) rethrows {
        let clock = ContinuousClock()
        startMeasurement()
        let duration = try clock.measure(body)
        stopMeasurement()
        measurement(.recordsPerSecond, Int(Double(count) / (duration / .seconds(1))))
    }
}
