// swift-tools-version: 6.2
import PackageDescription

// The ring with its tests and nothing else (the folders here are links to the project's own), so that they can be built for
// the thread sanitizer without the rest.

let package = Package(
    name: "ring",
    targets: [
        .target(name: "CPlatform", path: "CPlatform"),
        .target(name: "RingBuffer", dependencies: ["CPlatform"], path: "RingBuffer"),
        .testTarget(name: "RingBufferTests", dependencies: ["RingBuffer"], path: "RingBufferTests"),
    ],
    swiftLanguageModes: [.v6]
)
