import Chance
import Simulation
import Storage
import Testing

/// What a process sees of a simulated disk that is well.
@Suite struct DiskTests {
    @Test func whatWasWrittenIsRead() throws {
        let disk = SimulatedDisk()
        let file = try disk.open("/file", .create)
        var model: [UInt8] = []
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<300 {
            let offset = Int.random(in: 0...20_000, using: &generator)
            let bytes = noise(Int.random(in: 0...9000, using: &generator), &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0:
                try file.truncate(to: offset)
                model = Array(model.prefix(offset)) + [UInt8](repeating: 0, count: max(0, offset - model.count))
            default:
                try file.write(bytes, at: offset)
                if !bytes.isEmpty {
                    model += [UInt8](repeating: 0, count: max(0, offset + bytes.count - model.count))
                    model.replaceSubrange(offset..<offset + bytes.count, with: bytes)
                }
            }
            #expect(try file.byteCount() == model.count)
            #expect(try file.bytes(at: 0, count: 100_000) == model)
            let part = Int.random(in: 0...model.count, using: &generator)
            #expect(try file.bytes(at: part, count: 700) == Array(model[part...].prefix(700)))
        }
    }

    @Test func aMappingKeepsItsBytes() throws {
        let disk = SimulatedDisk()
        let file = try disk.open("/file", .create)
        try file.write([1, 2, 3, 4], at: 0)
        let mapped = try file.map(byteCount: 3, at: 1)
        try file.write([9, 9, 9, 9], at: 0)
        try file.truncate(to: 0)
        #expect(withExtendedLifetime(mapped) { Array($0.bytes) } == [2, 3, 4])
    }

    @Test func filesAreOpenedAsTheirModesSay() throws {
        let disk = SimulatedDisk()
        #expect(throws: StorageError.self) { try disk.open("/file", .read) }
        #expect(throws: StorageError.self) { try disk.open("/file", .write) }
        #expect(throws: StorageError.self) { try disk.open("/no/file", .create) }
        try disk.open("/file", .create).write([1, 2], at: 0)
        #expect(throws: StorageError.self) { try disk.open("/file", .create) }
        #expect(throws: StorageError.self) { try disk.open("/file", .createSecret) }
        #expect(throws: StorageError.self) { try disk.open("/file", .read).write([1], at: 0) }
        #expect(try disk.open("/file", .write).bytes(at: 0, count: 9) == [1, 2])
        #expect(try disk.open("/file", .replace).byteCount() == 0)
    }

    @Test func directoriesHoldNames() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("/a/b")
        try disk.createDirectory("/a/b")
        for name in ["z", "ä", "0"] { _ = try disk.open("/a/b/" + name, .create) }
        #expect(try disk.list("/a/b") == ["z", "ä", "0"].sorted())
        #expect(try disk.list("/a") == ["b"])
        #expect(disk.exists("/a/b/z") && disk.exists("a/b") && !disk.exists("/a/z"))
        #expect(throws: StorageError.self) { try disk.list("/c") }
        #expect(throws: StorageError.self) { try disk.list("/a/b/z") }
        #expect(throws: StorageError.self) { try disk.createDirectory("/a/b/z") }
        #expect(throws: StorageError.self) { try disk.rename("/a/b/none", to: "/a/b/z") }
        try disk.rename("/a/b", to: "/c")
        #expect(try disk.list("/c").count == 3 && disk.list("/a") == [])
        try disk.remove("/c/z")
        try disk.remove("/c/z")
        #expect(!disk.exists("/c/z"))
    }

    @Test func aFileWithoutANameLivesAsLongAsItIsOpen() throws {
        let disk = SimulatedDisk(SimulatedDisk.Settings(capacityByteCount: 100))
        var removed: (any StorageFile)? = try disk.open("/removed", .create)
        var replaced: (any StorageFile)? = try disk.open("/replaced", .create)
        try removed?.write([UInt8](repeating: 1, count: 40), at: 0)
        try replaced?.write([UInt8](repeating: 2, count: 40), at: 0)
        try disk.remove("/removed")
        try disk.open("/new", .create).write([3], at: 0)
        try disk.rename("/new", to: "/replaced")
        try disk.synchroniseDirectory("/")
        #expect(try removed?.bytes(at: 0, count: 2) == [1, 1] && replaced?.bytes(at: 0, count: 2) == [2, 2])
        #expect(try disk.open("/replaced", .read).bytes(at: 0, count: 9) == [3])
        #expect(disk.occupiedByteCount == 81)
        removed = nil
        #expect(disk.occupiedByteCount == 41)
        replaced = nil
        #expect(disk.occupiedByteCount == 1)
        let image = disk.image()
        #expect(image.files.map(\.path) == ["/replaced"] && image.isDurable == false)
    }

    @Test func locksAreSharedOrExclusiveAndDieWithTheProcess() throws {
        let disk = SimulatedDisk()
        let first = try #require(try disk.lock("/LOCK", exclusively: false))
        var second = try disk.lock("/LOCK", exclusively: false)
        #expect(second != nil)
        #expect(try disk.lock("/LOCK", exclusively: true) == nil)
        first.release()
        first.release()
        #expect(try disk.lock("/LOCK", exclusively: true) == nil)
        second = nil
        let exclusive = try #require(try disk.lock("/LOCK", exclusively: true))
        #expect(try disk.lock("/LOCK", exclusively: false) == nil && disk.lock("/LOCK", exclusively: true) == nil)
        #expect(try SimulatedDisk(afterProcessCrash: disk.image()).lock("/LOCK", exclusively: true) != nil)
        exclusive.release()
        #expect(try disk.lock("/LOCK", exclusively: true) != nil)
    }

    @Test func aDiskIsFullAtAnyByte() throws {
        for capacity in 0..<40 {
            let disk = SimulatedDisk(SimulatedDisk.Settings(capacityByteCount: capacity))
            let file = try disk.open("/file", .create)
            try file.secure(byteCount: min(8, capacity), at: 0)
            let failure = #expect(throws: StorageError.self) { try file.write([UInt8](repeating: 7, count: 50), at: 4) }
            #expect(failure?.isDiskFull == true)
            #expect(try file.byteCount() == (capacity > 4 ? capacity : 0))
            #expect(try file.bytes(at: 4, count: 50).allSatisfy { $0 == 7 })
            #expect(disk.occupiedByteCount == capacity)
            // What it has is its own: overwriting needs no room.
            if capacity > 4 { try file.write([8], at: 4) }
            try file.truncate(to: 0)
            #expect(disk.occupiedByteCount == 0, "a truncation gives secured space back")
        }
    }

    @Test func securedSpaceIsKeptForItsFile() throws {
        let disk = SimulatedDisk(SimulatedDisk.Settings(capacityByteCount: 100))
        let file = try disk.open("/file", .create)
        try file.secure(byteCount: 80, at: 0)
        #expect(try file.byteCount() == 0)
        let failure = #expect(throws: StorageError.self) {
            try disk.open("/other", .create).secure(byteCount: 21, at: 0)
        }
        #expect(failure?.isDiskFull == true)
        #expect(disk.occupiedByteCount == 80, "nothing is secured when not all is")
        try file.write([UInt8](repeating: 1, count: 80), at: 0)
        disk.setCapacity(byteCount: nil)
        try file.write([1], at: 1000)
    }

    @Test func everyOperationIsCountedAndSeenBeforeAndAfter() throws {
        let disk = SimulatedDisk()
        let seen = Seen()
        disk.setHook { kind, path in seen.note("hook \(kind.rawValue) \(path)") }
        disk.setObserver { operation, moment, image in
            seen.note("\(moment) \(operation.index) \(operation.kind.rawValue) \(image().files.count)")
        }
        let file = try disk.open("/file", .create)
        try file.write([1, 2], at: 5)
        #expect(try file.byteCount() == 7)
        #expect(
            seen.lines == [
                "hook create /file", "before 0 create 0", "after 0 create 1", "hook write /file", "before 1 write 1",
                "after 1 write 1", "hook inspect /file", "before 2 inspect 1", "after 2 inspect 1",
            ])
        #expect(disk.operationCount == 3 && disk.changeCount == 2)
    }
}
