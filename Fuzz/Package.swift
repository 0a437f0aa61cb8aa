// swift-tools-version: 6.2
import PackageDescription

// The fuzz targets under libFuzzer, a package of its own so that the product does not depend on the fuzzer. The targets
// themselves, `Targets`, belong to the project, whose tests replay the corpus. Run: tools/fuzz

/// The fuzzer, and the comparisons of which it is not told (CLibFuzzer.c).
let fuzzing = Context.environment["SLUICE_SANITIZE"].map { sanitizers in
    let unheard = ["cmp1", "cmp2", "const_cmp1", "const_cmp2"]
    return LinkerSetting.unsafeFlags(
        ["-sanitize=\(sanitizers)"] + unheard.flatMap { ["-Xlinker", "--wrap=__sanitizer_cov_trace_\($0)"] })
}

let package = Package(
    name: "Fuzz",
    dependencies: [.package(name: "sluice", path: "..")],
    targets: [
        .target(name: "CLibFuzzer", path: "CLibFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: ["CLibFuzzer", .product(name: "FuzzTargets", package: "sluice")],
            path: "fuzz",
            linkerSettings: fuzzing.map { [$0] }),
    ],
    swiftLanguageModes: [.v6]
)
