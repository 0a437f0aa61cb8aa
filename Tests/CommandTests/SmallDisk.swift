import Foundation
import Glibc
import Testing

/// A file system of a few megabytes, with ballast that can be thrown out.
struct SmallDisk {
    private let path: String

    private static let byteCount = 5 << 20
    private static let ballastByteCount = 2 << 20

    /// True when this process may mount.
    static let isPossible: Bool = {
        let place = NSTemporaryDirectory() + "/sluice-mount-\(getpid())"
        guard mkdir(place, 0o700) == 0 else { return false }
        defer { rmdir(place) }
        guard mount("tmpfs", place, "tmpfs", 0, "size=4k") == 0 else { return false }
        return umount(place) == 0
    }()

    /// Runs `work` with such a disk, which is gone afterwards.
    static func mounted(in workshop: Workshop, _ work: (SmallDisk) async throws -> Void) async throws {
        let path = workshop.path + "/small"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try #require(mount("tmpfs", path, "tmpfs", 0, "size=\(byteCount)") == 0)
        defer { umount2(path, Int32(MNT_DETACH)) }
        try Data(count: ballastByteCount).write(to: URL(fileURLWithPath: path + "/ballast"))
        try await work(SmallDisk(path: path))
    }

    /// Where a ledger goes.
    var data: String { path + "/data" }

    /// Throws the ballast out. It is not removed: a child of another test may have inherited the file, and would keep its space.
    func makeRoom() throws { try #require(truncate(path + "/ballast", 0) == 0) }
}
