import Transactions

extension Generator {
    /// The record of a position that is no resend and no conflict.
    @inline(__always)
    func original(at position: Int, _ slot: Slot, page: Int) -> Record {
        if slot.lagPages != 0, let record = followUp(at: position, slot, page: page) { return record }
        return first(at: position, slot.role)
    }

    /// The event that follows an earlier one; nil when that lies before the day or is not to be followed.
    @inline(never)
    func followUp(at position: Int, _ slot: Slot, page: Int) -> Record? {
        guard page >= Int(slot.lagPages) else { return nil }
        let followedPage = page - Int(slot.lagPages)
        let followedSlot = layout.slots[Int(slot.followed)]
        let followedPosition = PageOrder(page: followedPage, seed: seed).streamPosition(ofSlot: Int(slot.followed))
        let followed = first(at: followedPosition, followedSlot.role)
        guard slot.role == .resolution || followed.outcome == .approved else { return nil }

        var record = followed
        var draws = Draws(seed: seed, position: position)
        let latestPage = followedPage + Int(slot.latestLagPages)
        let earliest = curve.arrivalMicroseconds((latestPage + 1) * PageLayout.slotCount)
        let arrival = curve.arrivalMicroseconds(position)
        let delay = measurements.delayMicroseconds(draws.next(), atMost: arrival - earliest)
        record.timeMicroseconds = dayStartMicroseconds + arrival - delay
        record.step = slot.step
        finish(&record, slot, followed: followed, outcomeDraw: draws.next(), durationDraw: draws.next())
        return record
    }

    private func finish(
        _ record: inout Record, _ slot: Slot, followed: Record, outcomeDraw: UInt64, durationDraw: UInt64
    ) {
        record.amountMinorUnits = Generator.part(of: followed.amountMinorUnits, slot)
        let event: Event
        switch slot.role {
        case .capture: event = .captured
        case .refund: event = .refunded
        case .reversal: event = .reversed
        case .chargeback: event = .chargedBack
        default: event = .resolved
        }
        record.kindAndEvent = followed.kindAndEvent & 0x0F | event.rawValue << 4
        switch event {
        case .captured: setDuration(&record, durationDraw)
        case .resolved: resolve(&record, followed: followed, outcomeDraw)
        default:
            record.outcome = Outcome(rawValue: outcomes.returns.value(outcomeDraw))
            record.duration = .unknown
            if record.outcome.outcomeClass != .pending { setDuration(&record, durationDraw) }
        }
    }

    private func resolve(_ record: inout Record, followed: Record, _ draw: UInt64) {
        let isRequest = followed.kind == .request
        record.outcome = Outcome(rawValue: (isRequest ? outcomes.decisions : outcomes.resolutions).value(draw))
        let milliseconds = (record.timeMicroseconds - followed.timeMicroseconds) / 1000
        record.duration = PackedDuration(rawValue: UInt32(milliseconds))
        if isRequest, milliseconds > Generator.deadlineMilliseconds(service: followed.service) {
            record.flags |= Record.overdueFlag
        }
    }

    /// Procedures are due after 30 minutes, 1, 2 or 4 hours.
    static func deadlineMilliseconds(service: UInt32) -> Int64 { 1_800_000 << Int64(service % 4) }

    /// The tenths of an amount that are an event's own, in whole hundreds: all parts add up to no more than the amount.
    private static func part(of amount: Int64, _ slot: Slot) -> Int64 {
        let hundreds = amount / 100
        return (hundreds * Int64(slot.tenthsAfter) / 10 - hundreds * Int64(slot.tenthsBefore) / 10) * 100
    }
}

extension Generator {
    /// The earlier record that a resend or a conflict repeats; nil at the start of the day.
    ///
    /// Half of the resends come within 2,000 records, the others repeat any earlier one with the same probability.
    @inline(never)
    func repeated(at position: Int, _ role: PageLayout.Role) -> Record? {
        guard position > 0 else { return nil }
        var draws = Draws(seed: seed, position: position)
        let choices = draws.next()
        let isSoon = role == .resend && choices & 1 == 0
        var candidate = position - 1 - scaled(draws.next(), below: isSoon ? min(position, 2000) : position)
        while candidate >= 0 {
            let page = candidate / PageLayout.slotCount
            let order = PageOrder(page: page, seed: seed)
            let slot = layout.slots[order.slot(at: candidate - page * PageLayout.slotCount)]
            if slot.role != .resend, slot.role != .conflict {
                var record = original(at: candidate, slot, page: page)
                if role == .conflict { record.amountMinorUnits += Int64(1 + scaled(choices, below: 9)) * 1000 }
                return record
            }
            candidate -= 1
        }
        return nil
    }
}
