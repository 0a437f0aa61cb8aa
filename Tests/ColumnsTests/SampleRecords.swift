import Chance
import Foundation
import Transactions

/// How the ids of sample records look.
enum IDShape: CaseIterable {
    case timeOrdered, random, mixed, counter, shortText, digest, everything
}

/// Records as a gateway would send them, and worse.
struct SampleRecords {
    private var generator: SeededGenerator
    private let shape: IDShape
    private var now: Int64 = 1_700_000_000_000_000

    init(seed: UInt64, shape: IDShape) {
        generator = SeededGenerator(seed: seed)
        self.shape = shape
    }

    mutating func make(_ count: Int) -> [Record] { (0..<count).map { record($0) } }

    /// Every byte random, but the few that must have a valid form for nothing but the type.
    mutating func makeArbitrary(_ count: Int) -> [Record] {
        (0..<count).map { number in
            var record = record(number)
            record.id = RecordID(low: generator.next(), high: generator.next())
            record.timeMicroseconds = Int64(bitPattern: generator.next())
            record.amountMinorUnits = Int64(bitPattern: generator.next())
            record.payer = generator.next() >> 16
            record.payerInstitution = UInt16(truncatingIfNeeded: generator.next())
            record.payee = UInt32(truncatingIfNeeded: generator.next())
            record.service = UInt32(truncatingIfNeeded: generator.next())
            record.duration = PackedDuration(rawValue: UInt32(truncatingIfNeeded: generator.next()))
            record.source = UInt16(truncatingIfNeeded: generator.next())
            record.payeeInstitution = UInt16(truncatingIfNeeded: generator.next())
            record.region = UInt16(truncatingIfNeeded: generator.next())
            record.kindAndEvent = UInt8(truncatingIfNeeded: generator.next())
            record.outcome = Outcome(rawValue: UInt8(truncatingIfNeeded: generator.next()))
            record.flags = UInt8(truncatingIfNeeded: generator.next())
            return record
        }
    }

    private mutating func record(_ number: Int) -> Record {
        now += Int64(generator.next() % 6_600)
        var time = now - Int64(generator.next() % 2_000_000)
        if generator.next() % 200 == 0 { time -= Int64(generator.next() % 4) * 3_600_000_000 }
        var record = Record(
            id: id(number, time: time), timeMicroseconds: time, amountMinorUnits: amount(),
            currency: .vnd, source: UInt16(1 + zipf(50)))
        record.payer = (generator.next() % 30_000_000 &* 0x9E37_79B9_7F4A_7C15) >> 16
        record.payerInstitution = UInt16(1 + zipf(59))
        record.payeeInstitution = UInt16(1 + zipf(59))
        record.payee = UInt32(1 + zipf(500_000) * 277_777 % 500_000)
        record.service = UInt32(1 + zipf(1_800))
        record.region = UInt16(1 + zipf(63))
        let milliseconds = Int64(-400 * (log(uniform()) + log(uniform())))
        record.duration = PackedDuration(milliseconds: milliseconds) ?? .unknown
        record.outcome = generator.next() % 25 != 0 ? .approved : Outcome(rawValue: 0x20 + UInt8(generator.next() % 6))
        record.kindAndEvent = generator.next() % 12 == 0 ? 0x51 : 0x11
        record.channel = Channel(rawValue: UInt8(1 + zipf(6)))
        record.flags = generator.next() % 100 == 0 ? 0x10 : 0
        return record
    }

    private mutating func uniform() -> Double { Double((generator.next() >> 11) + 1) / Double(1 << 53) }

    /// Log-uniform ranks: Zipf with exponent 1.
    private mutating func zipf(_ count: Int) -> Int { min(count - 1, Int(exp(uniform() * log(Double(count + 1)))) - 1) }

    private mutating func amount() -> Int64 {
        let normal = (-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform())
        return max(1, Int64(exp(5.3 + 1.2 * normal))) * 1000
    }

    private mutating func id(_ number: Int, time: Int64) -> RecordID {
        switch shape {
        case .timeOrdered: uuid(version: 7, milliseconds: time / 1000)
        case .random: uuid(version: 4, milliseconds: Int64(generator.next() >> 16))
        case .mixed:
            generator.next() % 2 == 0
                ? uuid(version: 7, milliseconds: time / 1000)
                : uuid(version: 4, milliseconds: Int64(generator.next() >> 16))
        case .counter: text("TX" + String(repeating: "0", count: 14 - String(number).count) + String(number))
        case .shortText: text(String(number % 4999, radix: 36))
        case .digest: RecordID(low: generator.next(), high: generator.next())
        case .everything: everything(number, time: time)
        }
    }

    private mutating func everything(_ number: Int, time: Int64) -> RecordID {
        switch generator.next() % 7 {
        case 0: uuid(version: 7, milliseconds: time / 1000 + Int64(generator.next() % 9) - 4)
        case 1: uuid(version: 7, milliseconds: Int64(generator.next() >> 16))
        case 2: uuid(version: 4, milliseconds: Int64(generator.next() >> 16))
        case 3: uuid(version: Int(generator.next() % 16), milliseconds: time / 1000)
        case 4: text("ORDER-\(number)")
        case 5: RecordID(low: generator.next() & 0x7F7F_7F7F_7F7F_7F7F, high: 0)
        default: RecordID(low: generator.next(), high: generator.next())
        }
    }

    private mutating func uuid(version: Int, milliseconds: Int64) -> RecordID {
        let upper = UInt64(milliseconds) << 16 | UInt64(version) << 12 | generator.next() & 0xFFF
        let lower = 1 << 63 | generator.next() >> 2
        return RecordID(low: upper.byteSwapped, high: lower.byteSwapped)
    }

    private func text(_ text: String) -> RecordID { RecordID(reference: text) ?? .none }
}
