import Transactions

/// The generated reference day: a stream of records like those of a national retail switch, the same for the same seed.
///
/// `docs/reference-day.md` specifies it. A record depends on day, count, seed and its position only, so follow-ups and
/// resends need no memory of what came before; tables of 200 KB are all that a day holds. A position that should
/// repeat or follow another one holds a new transaction where that one does not exist or was not approved.
public struct ReferenceDay: Sendable {
    /// The UTC date of every record's time. The daily curve is that of local hours in Asia/Ho_Chi_Minh.
    public let day: CalendarDay
    /// How many records are streamed in all, resends and conflicts included.
    public let count: Int
    /// What the random words depend on.
    public let seed: UInt64
    /// What has been streamed so far.
    public private(set) var census = Census()

    private let generator: Generator

    /// How many records of each sort were streamed. A ledger that is fed them accepts `accepted`, and finds as many
    /// duplicates as there are `resends` and as many conflicts as there are `conflicts`.
    public struct Census: Hashable, Sendable {
        /// Transactions, each by its first event.
        public var transactions = 0
        /// Later events of those transactions.
        public var followUps = 0
        /// Earlier records once more, with the same bytes.
        public var resends = 0
        /// Earlier records once more, with another amount.
        public var conflicts = 0

        /// Everything.
        public var records: Int { accepted + resends + conflicts }
        /// What exists once.
        public var accepted: Int { transactions + followUps }
    }

    /// A day of `count` records.
    /// - Parameter day: 1970-01-02 or later.
    /// - Parameter count: 0 to 2^32 - 1.
    /// - Parameter seed: any number; another seed gives another day.
    public init(day: CalendarDay, count: Int, seed: UInt64) {
        precondition(day.daysSince1970 > 0, "the reference day is 1970-01-02 or later")
        precondition((0..<1 << 32).contains(count), "the reference day has at most 2^32 - 1 records")
        self.day = day
        self.count = count
        self.seed = seed
        generator = Generator(
            seed: mixed(seed ^ mixed(UInt64(day.daysSince1970))),
            dayStartMicroseconds: Int64(day.daysSince1970) * DailyCurve.dayMicroseconds,
            curve: DailyCurve(count: max(1, count)), layout: PageLayout(pageCount: count / PageLayout.slotCount),
            population: Population(), outcomes: Outcomes(), measurements: Measurements(), ways: Generator.Ways())
    }

    /// Writes the next records in the order of their arrival.
    ///
    /// The records do not depend on how many are asked for at once.
    /// - Returns: how many were written: fewer than there is room for at the end of the day only, then 0.
    public mutating func fill(_ buffer: UnsafeMutableBufferPointer<Record>) -> Int {
        let written = min(buffer.count, count - census.records)
        guard written > 0, let base = buffer.baseAddress else { return 0 }
        var position = census.records
        var remaining = written
        var next = base
        while remaining > 0 {
            let page = position / PageLayout.slotCount
            let run = min(remaining, (page + 1) * PageLayout.slotCount - position)
            census.add(generator.fillPage(page, from: position, next, count: run))
            position += run
            next += run
            remaining -= run
        }
        return written
    }
}

extension ReferenceDay.Census {
    mutating func add(_ other: Self) {
        transactions += other.transactions
        followUps += other.followUps
        resends += other.resends
        conflicts += other.conflicts
    }
}

extension Generator {
    /// Writes `count` records of one page, from a position of the stream on.
    func fillPage(
        _ page: Int, from start: Int, _ records: UnsafeMutablePointer<Record>, count: Int
    ) -> ReferenceDay.Census {
        let order = PageOrder(page: page, seed: seed)
        var census = ReferenceDay.Census()
        for index in 0..<count {
            let position = start + index
            let slot = layout.slots[order.slot(at: position - page * PageLayout.slotCount)]
            if slot.role.rawValue < PageLayout.Role.capture.rawValue {
                (records + index).initialize(to: first(at: position, slot.role))
            } else {
                (records + index).initialize(to: later(at: position, slot, page: page, &census))
            }
        }
        census.transactions = count - census.followUps - census.resends - census.conflicts
        return census
    }

    @inline(never)
    private func later(at position: Int, _ slot: Slot, page: Int, _ census: inout ReferenceDay.Census) -> Record {
        switch slot.role {
        case .resend, .conflict:
            guard let record = repeated(at: position, slot.role) else { break }
            if slot.role == .resend { census.resends += 1 } else { census.conflicts += 1 }
            return record
        default:
            guard let record = followUp(at: position, slot, page: page) else { break }
            census.followUps += 1
            return record
        }
        return first(at: position, slot.role)
    }
}
