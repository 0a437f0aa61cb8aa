import Chance
import Simulation
import Storage
import Testing

/// What crashes leave of a simulated disk.
@Suite struct PowerCutTests {
    /// A disk with a durable file of 2,000 ones.
    private func diskWithFile(_ byteCount: Int = 2000) throws -> (SimulatedDisk, any StorageFile) {
        let disk = SimulatedDisk()
        let file = try disk.open("/file", .create)
        try file.write([UInt8](repeating: 1, count: byteCount), at: 0)
        try file.synchronise()
        try disk.synchroniseDirectory("/")
        return (disk, file)
    }

    @Test func aProcessCrashKeepsAllThatWasWritten() throws {
        let (disk, file) = try diskWithFile()
        try file.write([2, 2], at: 1999)
        try disk.open("/other", .create).write([3], at: 0)
        let image = disk.image()
        try file.truncate(to: 0)
        let after = SimulatedDisk(afterProcessCrash: image)
        #expect(try after.content("/file") == [UInt8](repeating: 1, count: 1999) + [2, 2])
        #expect(try after.content("/other") == [3])
        // It made nothing durable: a power cut right after it loses what one before it would have lost.
        let cut = after.afterPowerCut(.nothing)
        #expect(try cut.content("/file") == [UInt8](repeating: 1, count: 2000) && cut.content("/other") == nil)
        #expect(cut.image().isDurable)
    }

    @Test(arguments: PowerCut.Mode.allCases)
    func whatIsDurableOutlivesEveryPowerCut(mode: PowerCut.Mode) throws {
        let (disk, file) = try diskWithFile()
        try file.write([2], at: 2500)
        try file.synchronise()
        try disk.open("/a", .create).synchronise()
        try disk.rename("/a", to: "/b")
        try disk.synchroniseDirectory("/")
        #expect(disk.image().isDurable)
        for seed in 0..<20 as Range<UInt64> {
            let after = disk.afterPowerCut(mode, seed: seed)
            #expect(after.image().files.map(\.path) == ["/b", "/file"])
            #expect(try after.content("/file") == disk.content("/file"))
        }
    }

    /// Durable ones, then twos over all of it and as much again: no way of losing them changes a byte to something else, but
    /// for what a file has grown by.
    @Test(arguments: PowerCut.Mode.allCases)
    func everySectorIsOldOrNew(mode: PowerCut.Mode) throws {
        var seen: Set<[UInt8]> = []
        for seed in 0..<60 as Range<UInt64> {
            let (disk, file) = try diskWithFile()
            try file.write([UInt8](repeating: 2, count: 2000), at: 0)
            try file.truncate(to: 1500)
            try file.write([UInt8](repeating: 3, count: 2500), at: 1500)
            let bytes = try #require(try disk.afterPowerCut(mode, seed: seed).content("/file"))
            seen.insert(bytes)
            #expect(bytes.count <= 4000)
            let (kept, growth) = (bytes.prefix(2000), bytes.dropFirst(2000))
            #expect(kept.allSatisfy { $0 <= 3 })
            switch mode {
            case .grownWithNoise, .mixed: break
            case .grownWithOldBytes: #expect(growth.allSatisfy { $0 <= 3 })
            default: #expect(growth.allSatisfy { $0 == 0 || $0 == 3 })
            }
            for start in stride(from: 0, to: bytes.count, by: 512) where start + 512 <= 1500 {
                #expect(Set(bytes[start..<start + 512]).count == 1, "a sector is written whole or not at all")
            }
        }
        switch mode {
        case .nothing, .namesAlone: #expect(seen == [[UInt8](repeating: 1, count: 2000)])
        case .everything, .namesLost, .firstNames, .someNames:
            #expect(seen == [[UInt8](repeating: 2, count: 1500) + [UInt8](repeating: 3, count: 2500)])
        case .growthLost: #expect(seen == [[UInt8](repeating: 2, count: 1500) + [UInt8](repeating: 3, count: 500)])
        case .truncationsAlone: #expect(seen == [[UInt8](repeating: 1, count: 1500)])
        case .truncationsLost:
            #expect(seen == [[UInt8](repeating: 2, count: 1500) + [UInt8](repeating: 3, count: 2500)])
        case .firstChanges, .firstChangesOfEach: #expect(seen.count == 4)
        case .someChanges: #expect(seen.count == 6)
        case .grownWithOldBytes, .grownWithZeros: #expect(seen.count > 2)
        case .tornWrite, .writeTornAtItsBeginning: #expect(seen.count > 4)
        case .grownWithNoise, .someSectors, .anyVersionOfEachSector, .mixed: #expect(seen.count > 15)
        }
    }

    @Test func laterWritesOvertakeEarlierOnes() throws {
        var seen: Set<[UInt8]> = []
        for seed in 0..<200 as Range<UInt64> {
            let (disk, file) = try diskWithFile(1024)
            for value in 2...3 as ClosedRange<UInt8> { try file.write([UInt8](repeating: value, count: 1024), at: 0) }
            let bytes = try #require(try disk.afterPowerCut(.anyVersionOfEachSector, seed: seed).content("/file"))
            seen.insert([bytes[0], bytes[512]])
        }
        #expect(seen.count == 9, "each of two sectors has three versions")
    }

    @Test func aFlushedFileWithoutAFlushedNameMayBeGone() throws {
        let (disk, _) = try diskWithFile()
        let file = try disk.open("/new", .create)
        try file.write([5], at: 0)
        try file.synchronise()
        #expect(try disk.afterPowerCut(.nothing).content("/new") == nil)
        #expect(try disk.afterPowerCut(.namesLost).content("/new") == nil)
        #expect(try disk.afterPowerCut(.namesAlone).content("/new") == [5])
        try disk.synchroniseDirectory("/")
        #expect(try disk.afterPowerCut(.nothing).content("/new") == [5])
        // And a flushed name without flushed bytes is an empty file.
        try disk.open("/empty", .create).write([6], at: 0)
        try disk.synchroniseDirectory("/")
        #expect(try disk.afterPowerCut(.nothing).content("/empty") == [])
    }

    @Test(arguments: PowerCut.Mode.allCases)
    func aRenameHappensOrDoesNot(mode: PowerCut.Mode) throws {
        var seen: Set<[String]> = []
        for seed in 0..<40 as Range<UInt64> {
            let (disk, _) = try diskWithFile()
            try disk.createDirectory("/far")
            let new = try disk.open("/new", .create)
            try new.write([5], at: 0)
            try new.synchronise()
            try disk.synchroniseDirectory("/")
            try disk.rename("/new", to: "/far/file")
            try disk.rename("/file", to: "/other")
            try disk.remove("/other")
            let after = disk.afterPowerCut(mode, seed: seed)
            let paths = after.image().files.map(\.path)
            seen.insert(paths)
            #expect(paths.contains("/new") != paths.contains("/far/file"))
            #expect(!(paths.contains("/file") && paths.contains("/other")))
            // The flush of either directory makes a rename durable in both.
            try disk.synchroniseDirectory("/far")
            let moved = disk.afterPowerCut(mode, seed: seed)
            #expect(moved.exists("/far/file") && !moved.exists("/new"))
        }
        switch mode {
        case .nothing, .namesLost: #expect(seen == [["/file", "/new"]])
        case .firstChanges, .firstChangesOfEach, .firstNames: #expect(seen.count == 4)
        case .someChanges, .someSectors, .anyVersionOfEachSector, .someNames, .mixed: #expect(seen.count > 4)
        case .tornWrite, .writeTornAtItsBeginning: #expect(seen == [["/file", "/new"]], "there is no write to tear")
        default: #expect(seen == [["/far/file"]])
        }
    }

    @Test func aDirectoryIsANameToo() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("/a/b")
        let file = try disk.open("/a/b/file", .create)
        try file.write([1], at: 0)
        try file.synchronise()
        for path in ["/a/b", "/a"] {
            try disk.synchroniseDirectory(path)
            #expect(!disk.afterPowerCut(.nothing).exists("/a"))
        }
        try disk.synchroniseDirectory("/")
        #expect(try disk.afterPowerCut(.nothing).content("/a/b/file") == [1])
    }

    @Test func crashesFollowOneAnother() throws {
        let (disk, file) = try diskWithFile(1)
        try file.write([2], at: 0)
        let killed = SimulatedDisk(afterProcessCrash: disk.image())
        #expect(try killed.content("/file") == [2])
        let again = try killed.open("/file", .write)
        try again.write([3], at: 1)
        #expect(try killed.afterPowerCut(.everything).content("/file") == [2, 3])
        #expect(try killed.afterPowerCut(.nothing).content("/file") == [1])
        let cut = killed.afterPowerCut(.everything)
        try cut.open("/file", .write).write([4], at: 0)
        #expect(try cut.afterPowerCut(.nothing).content("/file") == [2, 3], "what a power cut left is durable")
    }

    @Test func theSameSeedLeavesTheSameBytes() throws {
        for seed in 0..<100 as Range<UInt64> {
            let results = try (0..<2).map { _ in
                let (disk, file) = try diskWithFile()
                var generator = SeededGenerator(seed: seed)
                for number in 0..<20 {
                    try file.write(noise(700, &generator), at: Int.random(in: 0...4000, using: &generator))
                    let other = try disk.open("/\(number)", .create)
                    try other.write(noise(600, &generator), at: 0)
                    if number % 3 == 0 { try other.synchronise() }
                    if number % 5 == 0 { try disk.rename("/\(number)", to: "/0") }
                }
                return SimulatedDisk(afterPowerCut: disk.image(), damage: PowerCut(seed: seed)).image().files
            }
            #expect(results[0].elementsEqual(results[1], by: ==))
        }
    }
}
