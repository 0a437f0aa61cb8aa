/// What each of a thousand records is, and which earlier one it follows.
///
/// The stream is cut into pages of 1,000 positions. Every page holds the same slots, in an order of its own: slot
/// (a q + b) mod 1000 lies at position q of the page, where a (coprime to 1,000) and b come from seed and page. A slot
/// that follows another one finds it in the page that lies `lagPages` before its own. Two slots never follow the same
/// one with the same event and step, so following needs no memory and makes no identity twice.
final class PageLayout: Sendable {
    enum Role: UInt8 {
        /// A payment, transfer, withdrawal or fee, drawn at random.
        case ordinary
        /// A payment that something may follow.
        case payment
        case authorisation
        /// A payment or transfer whose outcome is pending.
        case pending
        /// A public-service request that was received and is not decided.
        case received
        /// A public-service request that was decided at once.
        case instant
        case capture
        case resolution
        case refund
        case reversal
        case chargeback
        case resend
        case conflict
    }

    struct Slot: BitwiseCopyable {
        var role: Role = .ordinary
        var step: UInt8 = 0
        /// The part of the followed amount that is this event's own, between two sums of tenths.
        var tenthsBefore: UInt8 = 0
        var tenthsAfter: UInt8 = 10
        /// The slot that this one follows.
        var followed: UInt16 = 0
        /// Pages between the followed one and this one, 1 or more.
        var lagPages: UInt32 = 0
        /// Pages between the followed one and the latest event before this one; 0: that is the followed one itself.
        var latestLagPages: UInt32 = 0
    }

    static let slotCount = 1000

    let slots: Table<Slot>

    /// The layout for a day of so many pages.
    init(pageCount: Int) {
        var builder = Builder(pageCount: pageCount)
        slots = Table(builder.slots())
    }

    deinit { slots.deallocate() }
}

extension PageLayout {
    private struct Builder {
        let pageCount: Int
        private var taken: [Slot] = []

        init(pageCount: Int) { self.pageCount = pageCount }

        mutating func slots() -> [Slot] {
            for _ in 0..<20 { taken.append(Slot(role: .resend)) }
            taken.append(Slot(role: .conflict))
            addAuthorisations()
            addReturns()
            addResolutions()
            for _ in 0..<5 { taken.append(Slot(role: .instant)) }
            precondition(taken.count <= PageLayout.slotCount, "a page has room for all that is in it")
            return taken + Array(repeating: Slot(), count: PageLayout.slotCount - taken.count)
        }

        private mutating func addAuthorisations() {
            for share in [0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.1, 0.15, 0.22, 0.3] {
                follow(add(.authorisation), .capture, at: [share])
            }
            for shares in [[0.01, 0.05], [0.04, 0.12], [0.1, 0.25]] {
                follow(add(.authorisation), .capture, at: shares, tenths: [6, 4])
            }
            follow(add(.authorisation), .reversal, at: [0.02])
            let capturedAndRefunded = add(.authorisation)
            let capture = follow(capturedAndRefunded, .capture, at: [0.0005])
            follow(capturedAndRefunded, .refund, at: [0.15], after: capture)
        }

        private mutating func addReturns() {
            for share in [0.0002, 0.0004, 0.001, 0.003] { follow(add(.payment), .reversal, at: [share]) }
            for share in [0.01, 0.05, 0.1, 0.2, 0.3] { follow(add(.payment), .refund, at: [share]) }
            follow(add(.payment), .refund, at: [0.05, 0.15], tenths: [3, 7])
            follow(add(.payment), .refund, at: [0.03, 0.08, 0.16, 0.24], tenths: [1, 2, 2, 3])
            follow(add(.payment), .chargeback, at: [0.4])
        }

        private mutating func addResolutions() {
            for share in [0.001, 0.005, 0.02, 0.1] { follow(add(.pending), .resolution, at: [share]) }
            _ = add(.pending)
            for share in [0.02, 0.05, 0.08, 0.12, 0.18, 0.25, 0.35] {
                follow(add(.received), .resolution, at: [share])
            }
            for _ in 0..<3 { _ = add(.received) }
        }

        private mutating func add(_ role: Role) -> UInt16 {
            taken.append(Slot(role: role))
            return UInt16(taken.count - 1)
        }

        /// Adds events that follow `followed` in order, each at least a page after the one before it.
        ///
        /// - Parameter shares: where each one lies, as a share of the day's records after the followed one.
        /// - Parameter tenths: each one's part of the amount.
        /// - Returns: the pages between the followed one and the last event.
        @discardableResult
        private mutating func follow(
            _ followed: UInt16, _ role: Role, at shares: [Double], tenths: [UInt8] = [10], after latest: UInt32 = 0
        ) -> UInt32 {
            var slot = Slot(role: role, tenthsAfter: 0, followed: followed, lagPages: latest)
            for (step, share) in shares.enumerated() {
                slot.step = UInt8(step)
                slot.latestLagPages = slot.lagPages
                slot.lagPages = max(slot.lagPages + 1, UInt32(share * Double(pageCount)))
                slot.tenthsBefore = slot.tenthsAfter
                slot.tenthsAfter += tenths[step]
                taken.append(slot)
            }
            return slot.lagPages
        }
    }
}

/// The order of one page's slots.
struct PageOrder {
    let page: Int
    private let multiplier: Int
    private let offset: Int

    @inline(__always)
    init(page: Int, seed: UInt64) {
        let draw = mixed(seed ^ 0x5061_6765 &+ UInt64(truncatingIfNeeded: page) &* Draws.goldenRatio)
        // 1, 3, 7 and 9 are what a number coprime to 1,000 ends in.
        let lastDigit = 0x9731 >> (4 * (draw & 3)) & 15
        self.page = page
        multiplier = scaled(draw, below: 100) * 10 + Int(lastDigit)
        offset = Int(truncatingIfNeeded: draw >> 8 & 0xFFFF) % PageLayout.slotCount
    }

    /// The slot at a position of the page, both 0..<1000.
    @inline(__always)
    func slot(at position: Int) -> Int { (multiplier &* position &+ offset) % PageLayout.slotCount }

    /// The position in the whole stream of a slot of this page.
    @inline(__always)
    func streamPosition(ofSlot slot: Int) -> Int {
        let shifted = slot &+ PageLayout.slotCount &- offset
        return page &* PageLayout.slotCount &+ (inverse &* shifted) % PageLayout.slotCount
    }

    /// a^99 mod 1000: the group of units has exponent 100, so a^100 is 1.
    private var inverse: Int {
        let second = multiplier &* multiplier % 1000
        let third = second &* multiplier % 1000
        let sixth = third &* third % 1000
        let twelfth = sixth &* sixth % 1000
        let twentyFourth = twelfth &* twelfth % 1000
        let fortyEighth = twentyFourth &* twentyFourth % 1000
        let ninetySixth = fortyEighth &* fortyEighth % 1000
        return ninetySixth &* third % 1000
    }
}
