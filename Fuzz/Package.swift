// swift-tools-version: 6.2
import PackageDescription

// The fuzz targets under libFuzzer, a package of its own so that the product does not depend on the fuzzer. The targets
// themselves, `Targets`, belong to the project, whose tests replay the corpus. Run: tools/fuzz

let package = Package(
    name: "Fuzz",
    dependencies: [.package(name: "sluice", path: "..")],
    targets: [
        .target(name: "CLibFuzzer", path: "CLibFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: ["CLibFuzzer", .product(name: "FuzzTargets", package: "sluice")],
            path: "fuzz",
            linkerSettings: Context.environment["SLUICE_SANITIZE"].map { [.unsafeFlags(["-sanitize=\($0)"])] }),
    ],
    swiftLanguageModes: [.v6]
)
