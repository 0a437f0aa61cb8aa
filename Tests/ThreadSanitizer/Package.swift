// swift-tools-version: 6.2
import PackageDescription

// The ring and the engine with their tests and nothing else (the folders here are links to the project's own), so that they
// can be built for the thread sanitizer without the rest.

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(name)")
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "engine",
    dependencies: [.package(url: "https://github.com/apple/swift-crypto", from: "4.5.2")],
    targets: [
        .systemLibrary(name: "CSQLite", path: "Sources/CSQLite", pkgConfig: "sqlite3"),
        .systemLibrary(name: "CLZ4", path: "Sources/CLZ4", pkgConfig: "liblz4"),
        room("CPlatform"),
        room("Chance"),
        room("Locks"),
        .target(
            name: "RingBuffer", dependencies: ["CPlatform", "Locks"], path: "Sources/RingBuffer", exclude: ["Model"]),
        room("Transactions", [crypto]),
        room("Columns", ["Transactions", "CLZ4", "CPlatform"]),
        room("Storage", ["Columns", "Transactions", "Locks", "CSQLite", "CPlatform"]),
        room("Rollups", ["Transactions", "Columns", "CLZ4", "CPlatform"]),
        room(
            "Ledger",
            ["Transactions", "Locks", "RingBuffer", "Columns", "Storage", "Rollups", "CPlatform", crypto]),
        room("ReferenceDay", ["Transactions"]),
        .executableTarget(name: "ring-load", dependencies: ["RingBuffer"], path: "RingLoad"),
        .testTarget(name: "RingBufferTests", dependencies: ["RingBuffer"], path: "RingBufferTests"),
        .testTarget(
            name: "LedgerTests",
            dependencies: [
                "Ledger", "Locks", "RingBuffer", "Transactions", "Storage", "Columns", "Rollups", "ReferenceDay",
                "Chance",
            ],
            path: "LedgerTests"),
    ],
    swiftLanguageModes: [.v6]
)
