import Testing
import Transactions

@Suite struct RecordLayoutTests {
    @Test func everyFieldLiesWhereTheTableSays() {
        let layout = MemoryLayout<Record>.self
        #expect((layout.size, layout.stride, Record.byteCount) == (64, 64, 64))
        #expect(layout.offset(of: \.id) == 0)
        #expect(layout.offset(of: \.timeMicroseconds) == 16)
        #expect(layout.offset(of: \.amountMinorUnits) == 24)
        #expect(layout.offset(of: \.payerInstitution) == 38)
        #expect(layout.offset(of: \.payee) == 40)
        #expect(layout.offset(of: \.service) == 44)
        #expect(layout.offset(of: \.duration) == 48)
        #expect(layout.offset(of: \.source) == 52)
        #expect(layout.offset(of: \.payeeInstitution) == 54)
        #expect(layout.offset(of: \.region) == 56)
        #expect(layout.offset(of: \.currency) == 58)
        #expect(layout.offset(of: \.kindAndEvent) == 60)
        #expect(layout.offset(of: \.outcome) == 61)
        #expect(layout.offset(of: \.channel) == 62)
        #expect(layout.offset(of: \.flags) == 63)
    }

    @Test func theBytesAreLittleEndian() {
        var record = Record(
            id: RecordID(low: 0x0706_0504_0302_0100, high: 0x0F0E_0D0C_0B0A_0908),
            timeMicroseconds: 0x1716_1514_1312_1110,
            amountMinorUnits: 0x1F1E_1D1C_1B1A_1918, currency: Currency(rawValue: 0x3B3A), source: 0x3534, kind: .fee,
            event: .resolved, step: 9, outcome: Outcome(rawValue: 0x3D), channel: Channel(rawValue: 0x3E))
        record.payer = 0x2524_2322_2120
        record.payerInstitution = 0x2726
        record.payee = 0x2B2A_2928
        record.service = 0x2F2E_2D2C
        record.duration = PackedDuration(rawValue: 0x3332_3130)
        record.payeeInstitution = 0x3736
        record.region = 0x3938
        record.flags |= Record.overdueFlag
        let bytes = withUnsafeBytes(of: record) { Array($0) }
        #expect(Array(bytes[..<60]) == Array(0..<60))
        #expect(Array(bytes[60...]) == [0x44, 0x3D, 0x3E, 0x91])
        #expect(record.payer == 0x2524_2322_2120)
        #expect((record.kind, record.event, record.step) == (.fee, .resolved, 9))
        #expect(record.isOverdue && !record.isTest)
    }

    @Test func defaultsAreAnApprovedPaymentsStart() {
        let record = Record(
            id: RecordID(reference: "A")!, timeMicroseconds: 5, amountMinorUnits: 6, currency: .vnd, source: 7)
        #expect((record.kind, record.event, record.step) == (.payment, .initiated, 0))
        #expect((record.outcome, record.channel) == (.approved, .unknown))
        #expect(record.duration == .unknown)
        #expect((record.payer, record.payee, record.service) == (0, 0, 0))
        #expect((record.payerInstitution, record.payeeInstitution, record.region, record.flags) == (0, 0, 0, 0))
    }

    @Test func theStepKeepsTheOtherFlags() {
        var record = Record(
            id: RecordID(reference: "A")!, timeMicroseconds: 5, amountMinorUnits: 6, currency: .vnd, source: 7)
        record.flags = Record.overdueFlag | Record.testFlag
        record.step = 15
        #expect(record.flags == 0xF3)
        record.step = 0
        #expect(record.isOverdue && record.isTest)
    }

    @Test func theUTCDayRoundsDown() {
        var record = Record(
            id: RecordID(reference: "A")!, timeMicroseconds: 0, amountMinorUnits: 6, currency: .vnd, source: 7)
        for (time, day) in [(0, 0), (86_399_999_999, 0), (86_400_000_000, 1), (-1, -1), (-86_400_000_001, -2)] {
            record.timeMicroseconds = Int64(time)
            #expect(record.utcDay == Int32(day))
        }
    }

    @Test func durationsPackAndUnpack() {
        #expect(PackedDuration(milliseconds: 0)?.rawValue == 0)
        #expect(PackedDuration(milliseconds: 2_147_483_647)?.rawValue == 0x7FFF_FFFF)
        #expect(PackedDuration(milliseconds: 2_147_483_648)?.milliseconds == 2_147_483_000)
        #expect(PackedDuration(milliseconds: 2_147_483_646_999)?.rawValue == 0xFFFF_FFFE)
        #expect(PackedDuration(milliseconds: 2_147_483_647_000) == nil)
        #expect(PackedDuration(milliseconds: -1) == nil)
        #expect(PackedDuration.unknown.milliseconds == nil)
        #expect(PackedDuration(rawValue: 1 << 31 | 3).milliseconds == 3000)
    }
}
