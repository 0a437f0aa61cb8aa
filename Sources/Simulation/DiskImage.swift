/// A simulated disk at one moment: what processes saw, what was durable, and what was in between.
///
/// A value that shares its pages with the disk that it was taken of: taking one costs constant time, keeping one costs the
/// pages that change afterwards.
public struct DiskImage: Sendable {
    let state: DiskState
    let settings: SimulatedDisk.Settings

    /// True when a power cut would lose nothing.
    public var isDurable: Bool { pendingChangeCount == 0 && state.files.allSatisfy { $0?.hasLostWrites != true } }

    /// Changes of files and names that no flush has made durable yet.
    public var pendingChangeCount: Int {
        state.nameChanges.count + state.files.reduce(0) { $0 + ($1?.pending.count ?? 0) }
    }

    /// Every file that processes saw, by path, in order of paths.
    public var files: [(path: String, bytes: [UInt8])] {
        var files: [(path: String, bytes: [UInt8])] = []
        var open: [(path: String, directory: Int)] = [("", 0)]
        while let (path, number) = open.popLast() {
            for (name, entry) in state.directories[number]!.current {
                switch entry {
                case .file(let file): files.append((path + "/" + name, state.files[file]!.current.bytes()))
                case .directory(let directory): open.append((path + "/" + name, directory))
                }
            }
        }
        return files.sorted { $0.path < $1.path }
    }
}
