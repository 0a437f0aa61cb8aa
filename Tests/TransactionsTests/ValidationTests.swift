import Testing
import Transactions

@Suite struct ValidationTests {
    private let now: Int64 = 1_700_000_000_000_000

    private var good: Record {
        Record(
            id: RecordID(reference: "A-1")!, timeMicroseconds: now, amountMinorUnits: 100, currency: .gbp, source: 1,
            outcome: .declined, channel: .card)
    }

    private func fault(_ change: (inout Record) -> Void) -> Fault? {
        var record = good
        change(&record)
        return record.fault(nowMicroseconds: now)
    }

    @Test func whatIsAllowedPasses() {
        #expect(good.fault(nowMicroseconds: now) == nil)
        #expect(fault { $0.timeMicroseconds = 0 } == nil)
        #expect(fault { $0.timeMicroseconds = now + 86_400_000_000 } == nil)
        #expect(fault { $0.amountMinorUnits = 0 } == nil)
        #expect(fault { $0.amountMinorUnits = .max } == nil)
        #expect(fault { $0.source = .max } == nil)
        #expect(fault { $0.channel = .largest } == nil)
        #expect(fault { $0.flags = 0xF3 } == nil)
        for outcome in UInt8(0x10)...0x5F { #expect(fault { $0.outcome = Outcome(rawValue: outcome) } == nil) }
    }

    @Test func everyFieldIsChecked() {
        #expect(fault { $0.id = .none } == Fault(.id, .missing))
        #expect(fault { $0.timeMicroseconds = -1 } == Fault(.time, .outOfRange))
        #expect(fault { $0.timeMicroseconds = now + 86_400_000_001 } == Fault(.time, .tooFarAhead))
        #expect(fault { $0.amountMinorUnits = -1 } == Fault(.amount, .outOfRange))
        #expect(fault { $0.source = 0 } == Fault(.source, .missing))
        for code in [0, 1, 999 + 1, .max] as [UInt16] {
            #expect(fault { $0.currency = Currency(rawValue: code) } == Fault(.currency, .unknownCode))
        }
        for kind in [0, 6, 15] as [UInt8] {
            #expect(fault { $0.kindAndEvent = $0.kindAndEvent & 0xF0 | kind } == Fault(.kind, .unknownCode))
        }
        for event in [0, 8, 15] as [UInt8] {
            #expect(fault { $0.kindAndEvent = $0.kindAndEvent & 0x0F | event << 4 } == Fault(.event, .unknownCode))
        }
        for outcome in [0x00, 0x0F, 0x60, 0xFF] as [UInt8] {
            #expect(fault { $0.outcome = Outcome(rawValue: outcome) } == Fault(.outcome, .unknownCode))
        }
        for channel in [128, 255] as [UInt8] {
            #expect(fault { $0.channel = Channel(rawValue: channel) } == Fault(.channel, .unknownCode))
        }
        for bit in [0b0100, 0b1000] as [UInt8] { #expect(fault { $0.flags |= bit } == Fault(.flags, .reservedBits)) }
        let pending = fault {
            $0.kindAndEvent = Kind.payment.rawValue | Event.resolved.rawValue << 4
            $0.outcome = .pending
        }
        #expect(pending == Fault(.outcome, .contradiction))
    }

    @Test func zeroedMemoryIsNoRecord() {
        let zeros = [UInt8](repeating: 0, count: 64)
        let record = zeros.withUnsafeBytes { $0.loadUnaligned(as: Record.self) }
        #expect(record.fault(nowMicroseconds: now) == Fault(.id, .missing))
    }

    @Test func faultsReadAsSentences() {
        #expect(Fault(.payerInstitution, .unknownCode).description == "payer_institution is not a known code")
        #expect(Set(Reason.allCases.map(\.explanation)).count == Reason.allCases.count)
    }

    @Test func theFirstDifferenceNamesItsField() {
        let changes: [(Field, (inout Record) -> Void)] = [
            (.id, { $0.id.high ^= 1 }), (.id, { $0.id.low ^= 1 }), (.time, { $0.timeMicroseconds += 1 }),
            (.amount, { $0.amountMinorUnits += 1 }), (.payer, { $0.payer ^= 1 }), (.payer, { $0.payer ^= 1 << 47 }),
            (.payerInstitution, { $0.payerInstitution += 1 }), (.payee, { $0.payee += 1 }),
            (.service, { $0.service += 1 }),
            (.duration, { $0.duration = PackedDuration(rawValue: 3) }), (.source, { $0.source += 1 }),
            (.payeeInstitution, { $0.payeeInstitution += 1 }), (.region, { $0.region += 1 }),
            (.currency, { $0.currency = .vnd }), (.kind, { $0.kindAndEvent ^= 0x02 }),
            (.event, { $0.kindAndEvent ^= 0x20 }),
            (.outcome, { $0.outcome = .pending }), (.channel, { $0.channel = .qr }), (.flags, { $0.flags ^= 1 }),
            (.flags, { $0.flags ^= 2 }), (.step, { $0.step = 1 }),
        ]
        #expect(Set(changes.map(\.0)) == Set(Field.allCases))
        #expect(good.firstDifference(from: good) == nil)
        for (field, change) in changes {
            var other = good
            change(&other)
            #expect(good.firstDifference(from: other) == field)
            #expect(other.firstDifference(from: good) == field)
        }
        // Of several differences the first in the order of the fields counts.
        for (index, (field, change)) in changes.enumerated() {
            var other = good
            change(&other)
            for (later, changeToo) in changes[(index + 1)...] where later != field { changeToo(&other) }
            #expect(good.firstDifference(from: other) == field)
        }
    }

    @Test func everyBitOfARecordIsCompared() {
        for bit in 0..<512 {
            var bytes = withUnsafeBytes(of: good) { Array($0) }
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let other = bytes.withUnsafeBytes { $0.loadUnaligned(as: Record.self) }
            #expect(good.firstDifference(from: other) != nil)
        }
    }

    @Test func identityIsDaySourceKindEventStepAndID() {
        func same(_ change: (inout Record) -> Void) -> Bool {
            var other = good
            change(&other)
            return good.hasSameIdentity(as: other)
        }
        #expect(same { $0.amountMinorUnits += 1 } && same { $0.flags ^= 3 } && same { $0.payee += 1 })
        #expect(same { $0.timeMicroseconds += 1 })
        #expect(!same { $0.timeMicroseconds += 86_400_000_000 })
        #expect(!same { $0.id.low ^= 1 } && !same { $0.source += 1 } && !same { $0.step = 1 })
        #expect(!same { $0.kindAndEvent ^= 0x02 } && !same { $0.kindAndEvent ^= 0x20 })
    }

    @Test func identityChangesAtMidnightUTC() {
        var late = good
        late.timeMicroseconds = 86_399_999_999
        var early = good
        early.timeMicroseconds = 86_400_000_000
        #expect(!late.hasSameIdentity(as: early))
    }
}
