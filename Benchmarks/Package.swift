// swift-tools-version: 6.2
import PackageDescription

// Microbenchmarks of the engine, a package of their own so that the product does not depend on the harness.
// tools/benchmarks runs them and holds them against thresholds.json.

let package = Package(
    name: "Benchmarks",
    dependencies: [
        .package(name: "sluice", path: ".."),
        // Without its counter of allocations, which does not count here; Tests/Allocations does.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "EngineBenchmarks",
            dependencies: [
                .product(name: "Benchmark", package: "benchmark"),
                .product(name: "Engine", package: "sluice"),
            ],
            path: "Engine",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
    ],
    swiftLanguageModes: [.v6]
)
