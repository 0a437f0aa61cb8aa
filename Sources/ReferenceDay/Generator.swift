import Transactions

/// Makes any record of a reference day from its position alone.
struct Generator: Sendable {
    /// Kind and channel of what is drawn at random.
    struct Way: BitwiseCopyable {
        var kindCode: UInt8
        var channel: Channel

        init(_ kind: Kind, _ channel: Channel) {
            kindCode = kind.rawValue
            self.channel = channel
        }
    }

    typealias Slot = PageLayout.Slot

    let seed: UInt64
    let dayStartMicroseconds: Int64
    let curve: DailyCurve
    let layout: PageLayout
    let population: Population
    let outcomes: Outcomes
    let measurements: Measurements
    let ways: Ways

    /// How transactions come in.
    final class Ways: Sendable {
        /// Shares of kinds and channels among what is drawn at random.
        static let shares: [(Way, Double)] = [
            (Way(.payment, .qr), 300), (Way(.payment, .card), 150),
            (Way(.payment, .wallet), 90), (Way(.payment, Channel(rawValue: 8)), 50),
            (Way(.payment, Channel(rawValue: 9)), 30), (Way(.transfer, .account), 240),
            (Way(.transfer, Channel(rawValue: 10)), 85),
            (Way(.withdrawal, Channel(rawValue: 7)), 38),
            (Way(.withdrawal, Channel(rawValue: 13)), 2), (Way(.fee, .account), 15),
        ]
        let all = Choice(shares)
        let payments = Choice(shares.filter { $0.0.kindCode == Kind.payment.rawValue })
        let undecided = Choice(
            shares.filter { [Kind.payment.rawValue, Kind.transfer.rawValue].contains($0.0.kindCode) })
        let authorisations = Choice([
            (Way(.payment, .card), 80), (Way(.payment, Channel(rawValue: 9)), 20),
        ])
        let requests = Choice([
            (Way(.request, .portal), 70), (Way(.request, .counter), 30),
        ])

        deinit {
            for choice in [all, payments, undecided, authorisations, requests] { choice.deallocate() }
        }
    }

    /// The first record of a transaction.
    @inline(__always)
    func first(at position: Int, _ role: PageLayout.Role) -> Record {
        var draws = Draws(seed: seed, position: position)
        let arrival = curve.arrivalMicroseconds(position)
        let time =
            dayStartMicroseconds &+ arrival
            &- measurements.delayMicroseconds(draws.next(), atMost: arrival)
        let choices = draws.next()
        let way = way(role, draws.next())
        var record = Record(
            id: identifier(timeMicroseconds: time, choices, draws.next(), draws.next()), timeMicroseconds: time,
            amountMinorUnits: measurements.amount(kindCode: way.kindCode, draws.next()), currency: .vnd,
            source: UInt16(truncatingIfNeeded: population.sources.index(draws.next()) + 1), channel: way.channel)
        let event: Event = role == .authorisation ? .authorised : .initiated
        record.kindAndEvent = way.kindCode | event.rawValue << 4
        if choices & 0xFFFF < Generator.testShare { record.flags = Record.testFlag }
        let payer = scaled(choices, below: Population.payerCount)
        record.payer = Population.payerToken(number: payer, key: seed)
        record.payerInstitution = population.institution(ofPayer: payer)
        setPlace(&record, draws.next(), draws.next(), draws.next())
        setOutcome(&record, role, draws.next(), draws.next())
        return record
    }

    /// Of 65,536: 0.05 % are tests.
    static let testShare: UInt64 = 33

    @inline(__always)
    private func way(_ role: PageLayout.Role, _ draw: UInt64) -> Way {
        switch role {
        case .payment: ways.payments.value(draw)
        case .authorisation: ways.authorisations.value(draw)
        case .pending: ways.undecided.value(draw)
        case .received, .instant: ways.requests.value(draw)
        default: ways.all.value(draw)
        }
    }

    /// RFC 9562: half of the ids are of version 7, made 0 to 3 ms before the event, half of version 4.
    @inline(__always)
    private func identifier(timeMicroseconds: Int64, _ choices: UInt64, _ low: UInt64, _ high: UInt64) -> RecordID {
        let variant = high & ~0xC0 | 0x80
        if choices >> 16 & 1 == 0 {
            return RecordID(low: low & ~(0xF0 << 48) | 0x40 << 48, high: variant)
        }
        let milliseconds = UInt64(truncatingIfNeeded: timeMicroseconds / 1000) &- (choices >> 17 & 3)
        return RecordID(low: (milliseconds << 16 | 0x7000 | low & 0x0FFF).byteSwapped, high: variant)
    }

    /// Who is paid, for what and where.
    @inline(__always)
    private func setPlace(_ record: inout Record, _ payeeDraw: UInt64, _ serviceDraw: UInt64, _ regionDraw: UInt64) {
        switch record.kindAndEvent & 0x0F {
        case Kind.request.rawValue:
            let agency = Population.payeeCount - 1 - scaled(payeeDraw, below: Population.agencyCount)
            population.setPayee(rank: agency, regionDraw: regionDraw, &record)
            let procedure = population.procedures.index(serviceDraw) + Population.firstProcedure
            record.service = UInt32(truncatingIfNeeded: procedure)
            if procedure % 5 < 2 { record.amountMinorUnits = 0 }
        case Kind.withdrawal.rawValue:
            record.payeeInstitution = population.institution(payeeDraw)
            record.region = population.regionCodes[population.regions.index(regionDraw)]
            record.service = UInt32(truncatingIfNeeded: population.services.index(serviceDraw) + 1)
        default:
            // The region's word is free for the rank: only payees of the first ranks, which need one word, use it.
            let rank = population.payees.rank(payeeDraw, within: regionDraw)
            population.setPayee(rank: rank, regionDraw: regionDraw, &record)
            record.service = UInt32(truncatingIfNeeded: population.services.index(serviceDraw) + 1)
        }
    }

    @inline(__always)
    private func setOutcome(_ record: inout Record, _ role: PageLayout.Role, _ draw: UInt64, _ durationDraw: UInt64) {
        if role == .pending || role == .received {
            record.outcome = role == .pending ? .pending : Outcome(rawValue: 0x41)
            return
        }
        record.outcome = outcomes.outcome(payerInstitution: record.payerInstitution, draw)
        setDuration(&record, durationDraw)
    }

    @inline(__always)
    func setDuration(_ record: inout Record, _ draw: UInt64) {
        guard record.source < Population.firstSourceWithoutDuration + 1 else { return }
        var milliseconds = measurements.durationMilliseconds(payerInstitution: record.payerInstitution, draw)
        if record.outcome.rawValue == 0x31 { milliseconds = Measurements.timeoutMilliseconds }
        // People decide more slowly than machines.
        let isByPeople =
            record.outcome.rawValue >> 4 == OutcomeClass.abandoned.rawValue
            || record.kindAndEvent & 0x0F == Kind.request.rawValue
        record.duration = PackedDuration(rawValue: isByPeople ? milliseconds &* 60 : milliseconds)
    }
}
