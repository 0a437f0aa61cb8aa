import Simulation
import Storage
import Testing

/// Faults of a simulated disk.
@Suite struct DiskFaultTests {
    @Test func aPlanFailsTheOperationThatItNames() throws {
        let disk = SimulatedDisk()
        let file = try disk.open("/file", .create)
        try file.write([1, 2, 3], at: 0)
        disk.setFaults { $0.index == 3 ? .error(errno: DiskErrorNumber.inputOutput) : nil }
        try file.write([4], at: 0)
        let failure = #expect(throws: StorageError.self) { try file.write([5], at: 0) }
        #expect(failure?.errno == 5 && failure?.path == "/file")
        try file.write([6], at: 1)
        #expect(try disk.content("/file") == [4, 6, 3])
        disk.setFaults { $0.kind == .exists ? .error(errno: DiskErrorNumber.inputOutput) : nil }
        #expect(!disk.exists("/file"))
    }

    @Test func aShortWriteLeavesItsBeginning() throws {
        let disk = SimulatedDisk()
        let file = try disk.open("/file", .create)
        disk.setFaults { _ in .shortWrite(byteCount: 2, errno: DiskErrorNumber.interrupted) }
        #expect(throws: StorageError.self) { try file.write([1, 2, 3], at: 1) }
        disk.setFaults(nil)
        #expect(try disk.content("/file") == [0, 1, 2])
    }

    @Test func readsFailOrLie() throws {
        let disk = SimulatedDisk()
        let file = try disk.open("/file", .create)
        try file.write([1, 2, 3], at: 0)
        disk.setFaults { _ in .flippedBits(offset: 1, mask: 0x80) }
        #expect(try file.bytes(at: 0, count: 3) == [1, 0x82, 3] && file.bytes(at: 1, count: 1) == [0x82])
        #expect(try file.bytes(at: 2, count: 1) == [3] && file.bytes(at: 0, count: 1) == [1])
        let mapped = try file.map(byteCount: 2, at: 1)
        #expect(withExtendedLifetime(mapped) { Array($0.bytes) } == [0x82, 3])
        disk.setFaults { $0.kind == .read ? .error(errno: DiskErrorNumber.inputOutput) : nil }
        #expect(throws: StorageError.self) { try file.bytes(at: 0, count: 3) }
        disk.setFaults(nil)
        #expect(try file.bytes(at: 0, count: 3) == [1, 2, 3])
        try disk.flipBits(of: "/file", at: 2, mask: 1)
        #expect(try file.bytes(at: 0, count: 3) == [1, 2, 2])
        #expect(throws: StorageError.self) { try disk.flipBits(of: "/none", at: 0, mask: 1) }
    }

    @Test func afterAFailedFlushTheNextOneLies() throws {
        let disk = SimulatedDisk()
        let file = try disk.open("/file", .create)
        try file.write([1, 1, 1], at: 0)
        try file.synchronise()
        try disk.synchroniseDirectory("/")
        try file.write([2, 2], at: 2)
        disk.setFaults { $0.kind == .synchronise ? .error(errno: DiskErrorNumber.inputOutput) : nil }
        #expect(throws: StorageError.self) { try file.synchronise() }
        disk.setFaults(nil)
        try file.synchronise()
        #expect(try disk.content("/file") == [1, 1, 2, 2], "the page cache has it")
        for mode in PowerCut.Mode.allCases {
            #expect(try disk.afterPowerCut(mode).content("/file") == [1, 1, 1, 0], "the disk does not")
        }
        // Killing the process heals nothing; writing once more does.
        let killed = SimulatedDisk(afterProcessCrash: disk.image())
        let again = try killed.open("/file", .write)
        try again.synchronise()
        #expect(try killed.afterPowerCut(.everything).content("/file") == [1, 1, 1, 0])
        try again.write([2, 2], at: 2)
        try again.synchronise()
        #expect(try killed.afterPowerCut(.nothing).content("/file") == [1, 1, 2, 2])
    }

    @Test func aFailedFlushOfADirectoryMakesNothingDurable() throws {
        let disk = SimulatedDisk()
        try disk.open("/file", .create).synchronise()
        disk.setFaults { $0.kind == .synchroniseDirectory ? .error(errno: DiskErrorNumber.inputOutput) : nil }
        #expect(throws: StorageError.self) { try disk.synchroniseDirectory("/") }
        #expect(!disk.afterPowerCut(.nothing).exists("/file") && disk.afterPowerCut(.everything).exists("/file"))
    }
}
