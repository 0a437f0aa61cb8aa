// swift-tools-version: 6.2
import PackageDescription

// One target for each room of the design; arrows between rooms point one way and are kept here.

// What tools/fuzz sets: the project's own modules are watched, and not the libraries, whose counters cost more than
// what is tested.
let sanitizer = Context.environment["SLUICE_SANITIZE"].map { [SwiftSetting.unsafeFlags(["-sanitize=\($0)"])] } ?? []

let strict: [SwiftSetting] =
    [
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
    ] + sanitizer

// Half of what a short command takes is its start, and half of that the dynamic libraries of Swift and Foundation, which
// have to be found, mapped and tied together. A release build holds them. The linker that comes with Swift takes libraries in
// any order, and is told those that Foundation needs in turn.
let startsFast: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-stdlib", "-use-ld=lld", "-lCoreFoundation", "-l_FoundationICU", "-l_FoundationCShims",
            "-l_FoundationCollections",
        ], .when(platforms: [.linux], configuration: .release))
]

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]

let package = Package(
    name: "sluice",
    products: [
        .executable(name: "sluice", targets: ["sluice"]),
        .library(name: "SluiceClient", targets: ["SluiceClient", "StreamProtocol", "Transactions"]),
        .library(name: "Ledger", targets: ["Ledger"]),
        .library(
            name: "Engine",
            targets: [
                "Transactions", "RingBuffer", "Columns", "Storage", "Rollups", "Ledger", "ReferenceDay",
                "StreamProtocol",
            ]),
        .library(name: "FuzzTargets", targets: ["FuzzTargets"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CPlatform"),
        room("Chance"),
        room("Transactions", [crypto]),
        room("Reference", ["Transactions", "Formats"]),
        room("Locks"),
        .target(
            name: "RingBuffer", dependencies: ["CPlatform", "Locks"], exclude: ["Model"], swiftSettings: strict),
        room("Columns", ["Transactions", "CLZ4", "CPlatform"]),
        room("Storage", ["Columns", "Transactions", "Locks", "CSQLite", "CPlatform"]),
        room("Rollups", ["Transactions", "Columns", "Locks", "CLZ4", "CPlatform"]),
        room(
            "Ledger",
            ["Transactions", "Locks", "RingBuffer", "Columns", "Storage", "Rollups", "CPlatform", crypto]),
        room(
            "Simulation",
            ["Ledger", "Storage", "Columns", "Rollups", "RingBuffer", "Transactions", "CSQLite", "Chance"]),
        room("Analysis", ["Transactions", "Rollups", "Reference"]),
        room("Presentation", ["Transactions", "Rollups", "Analysis"]),
        room(
            "Tables",
            [
                "Ledger", "Reference", "Rollups", "Analysis", "Storage", "Columns", "Transactions", "Presentation",
                "CSQLite",
            ]),
        room("Formats", ["Transactions", "CPlatform", "CLZ4", "CZlib", crypto]),
        room("ReferenceDay", ["Transactions"]),
        room("StreamProtocol", ["Transactions", "CPlatform", "CLZ4"]),
        room("Access", ["Storage", "Transactions", crypto]),
        room(
            "Service",
            [
                "Access", "Ledger", "Rollups", "Analysis", "Reference", "Storage", "Formats", "Presentation",
                "StreamProtocol", "Transactions", "CPlatform", "EventLoops", logging, crypto,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "NIOCertificateReloading", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ] + nio),
        room("EventLoops", [.product(name: "NIOCore", package: "swift-nio")]),
        room(
            "SluiceClient",
            ["EventLoops", "StreamProtocol", "Transactions", .product(name: "NIOSSL", package: "swift-nio-ssl")] + nio),
        .executableTarget(
            name: "sluice",
            dependencies: [
                "Transactions", "Access", "Ledger", "Tables", "Rollups", "Analysis", "Presentation", "Reference",
                "Formats",
                "ReferenceDay", "StreamProtocol", "Service", "SluiceClient", "Storage", "Columns", "CPlatform",
                "Chance", logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ] + nio,
            swiftSettings: strict, linkerSettings: startsFast),
        .executableTarget(
            name: "gateway", dependencies: ["SluiceClient", "StreamProtocol", "Transactions"], path: "Examples/Gateway",
            swiftSettings: strict),
        .executableTarget(
            name: "torture",
            dependencies: ["Simulation", "Chance", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: strict),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "Transactions", "Columns", "Storage", "Rollups", "Ledger", "Simulation", "Reference", "Formats",
                "ReferenceDay", "StreamProtocol", "Service", "CPlatform", "Chance",
            ],
            path: "Fuzz/Targets", swiftSettings: strict),
        .target(name: "AllocationCounter", path: "Tests/Allocations/Counter"),
        .executableTarget(
            name: "allocations",
            dependencies: [
                "AllocationCounter", "Ledger", "ReferenceDay", "RingBuffer", "Transactions",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/Allocations/Command", swiftSettings: strict),
        tests("TransactionsTests", ["Transactions", "Chance"]),
        tests("RingBufferTests", ["RingBuffer"]),
        tests("ColumnsTests", ["Columns", "Transactions", "Chance"]),
        tests("StorageTests", ["Storage", "Columns", "Transactions", "CPlatform", "Chance"]),
        tests("RollupsTests", ["Rollups", "Transactions", "Columns", "CPlatform", "Chance"]),
        tests("ReferenceTests", ["Reference", "Analysis", "Rollups", "Formats", "Transactions"]),
        tests("AnalysisTests", ["Analysis", "Rollups", "Transactions", "Chance"]),
        tests("PresentationTests", ["Presentation", "Analysis", "Rollups", "Transactions"]),
        tests(
            "LedgerTests",
            [
                "Ledger", "Locks", "RingBuffer", "Transactions", "Storage", "Columns", "Rollups", "ReferenceDay",
                "Chance",
            ]),
        tests(
            "SimulationTests",
            [
                "Simulation", "Ledger", "Transactions", "Storage", "Columns", "Rollups", "ReferenceDay", "CSQLite",
                "Chance",
            ]),
        tests(
            "TablesTests",
            ["Tables", "Ledger", "Rollups", "Storage", "Columns", "Transactions", "ReferenceDay", "CSQLite", "Chance"]),
        tests("FormatsTests", ["Formats", "Transactions", "Chance"]),
        tests("ReferenceDayTests", ["ReferenceDay", "Transactions"]),
        tests("StreamProtocolTests", ["StreamProtocol", "Transactions", "Chance"]),
        tests(
            "ServiceTests",
            [
                "Access", "Service", "SluiceClient", "Ledger", "StreamProtocol", "Transactions", "ReferenceDay",
                "CPlatform", "Formats", crypto,
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "X509", package: "swift-certificates"),
            ]),
        .executableTarget(
            name: "spilling-gateway", dependencies: ["SluiceClient", "StreamProtocol", "Transactions"],
            path: "Tests/SpillingGateway", swiftSettings: strict),
        tests(
            "CommandTests",
            ["sluice", "spilling-gateway", "Transactions", "Ledger", "StreamProtocol", "SluiceClient", "Chance"]),
        tests("CorpusTests", ["FuzzTargets"]),
        tests("DocumentationTests", ["sluice", "gateway", "Formats"]),
    ],
    swiftLanguageModes: [.v6]
)
