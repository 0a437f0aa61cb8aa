import Ledger
import Simulation
import Storage
import Testing

@Suite struct CreationTests {
    @Test(arguments: PowerCut.Mode.allCases)
    func aLedgerThatWasMadeSurvivesAPowerCut(mode: PowerCut.Mode) throws {
        let disk = SimulatedDisk()
        let files = LedgerFiles(directory: "/data/ledgers/one")
        try files.create(timeZone: "UTC", cutoverMinutes: 0, fileSystem: disk)
        let after = SimulatedDisk(afterPowerCut: disk.image(), damage: PowerCut(mode, seed: 1))
        #expect(try files.exist(in: after) && after.exists(files.tokenKey) && after.exists(files.index))
    }
}
