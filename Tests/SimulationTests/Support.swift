import Chance
import Simulation
import Storage
import Synchronization

func noise(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
}

/// Lines in the order in which they came.
final class Seen: Sendable {
    private let state = Mutex<[String]>([])

    func note(_ line: String) { state.withLock { $0.append(line) } }
    var lines: [String] { state.withLock { $0 } }
}

extension SimulatedDisk {
    /// A whole file; nil when there is none.
    func content(_ path: String) throws -> [UInt8]? {
        guard exists(path) else { return nil }
        let file = try open(path, .read)
        return try file.bytes(at: 0, count: file.byteCount())
    }

    func afterPowerCut(_ mode: PowerCut.Mode, seed: UInt64 = 0) -> SimulatedDisk {
        SimulatedDisk(afterPowerCut: image(), damage: PowerCut(mode, seed: seed))
    }
}
