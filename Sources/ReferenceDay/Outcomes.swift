import Transactions

/// A few values with weights, of which one is drawn.
struct Choice<Value: BitwiseCopyable>: Sendable {
    private let values: Table<Value>
    private let weights: AliasTable

    init(_ choices: [(Value, Double)]) {
        values = Table(choices.map(\.0))
        weights = AliasTable(weights: choices.map(\.1))
    }

    @inline(__always)
    func value(_ draw: UInt64) -> Value { values[weights.index(draw)] }

    func deallocate() {
        values.deallocate()
        weights.deallocate()
    }
}

/// What comes of a transaction: how often it is declined by the payer's institution, and for what reason.
final class Outcomes: Sendable {
    /// Mean shares over all transactions that are decided at once.
    static let businessDeclineShare = 0.0150
    static let technicalDeclineShare = 0.0060
    static let abandonedShare = 0.0032

    /// Upper ends of the classes for a draw of 32 bits.
    struct Shares: BitwiseCopyable {
        var business: UInt32
        var technical: UInt32
        var abandoned: UInt32
    }

    /// By code of the payer's institution, from 1 on.
    private let shares: Table<Shares>
    private let businessDeclines = Choice<UInt8>([
        (0x21, 45), (0x22, 15), (0x23, 20), (0x24, 8), (0x25, 5), (0x26, 3), (0x27, 4),
    ])
    private let technicalDeclines = Choice<UInt8>([(0x30, 5), (0x31, 40), (0x32, 35), (0x33, 20)])
    private let abandonments = Choice<UInt8>([(0x50, 10), (0x51, 60), (0x52, 30)])
    /// How a pending payment or transfer ends.
    let resolutions = Choice<UInt8>([(0x10, 85), (0x20, 10), (0x31, 5)])
    /// How a received request ends.
    let decisions = Choice<UInt8>([(0x10, 88), (0x28, 10), (0x53, 2)])
    /// What comes of refunds, reversals and chargebacks.
    let returns = Choice<UInt8>([(0x10, 950), (0x27, 20), (0x31, 10), (0x32, 5), (0x40, 5), (0x51, 10)])

    init() {
        shares = Table(Outcomes.sharesByInstitution())
    }

    deinit {
        shares.deallocate()
        for choice in [businessDeclines, technicalDeclines, abandonments, resolutions, decisions, returns] {
            choice.deallocate()
        }
    }

    /// What comes of a transaction that is decided at once.
    @inline(__always)
    func outcome(payerInstitution: UInt16, _ draw: UInt64) -> Outcome {
        let shares = shares[Int(payerInstitution)]
        let share = UInt32(truncatingIfNeeded: draw >> 32)
        if share >= shares.abandoned { return .approved }
        return failure(shares, share, mixed(draw))
    }

    @inline(never)
    private func failure(_ shares: Shares, _ share: UInt32, _ draw: UInt64) -> Outcome {
        let choice =
            share < shares.business
            ? businessDeclines : share < shares.technical ? technicalDeclines : abandonments
        return Outcome(rawValue: choice.value(draw))
    }

    /// Each institution has a factor of 0.4 to 2 for business and another one for technical declines, scaled so that
    /// the mean over the institutions' shares of the transactions is what it should be.
    private static func sharesByInstitution() -> [Shares] {
        let weights = (1...Population.institutionCount).map { 1 / Double($0) }
        func rates(_ mean: Double, salt: UInt64) -> [Double] {
            let factors = weights.indices.map {
                0.4 + 1.6 * Double(scaled(mixed(UInt64($0) &+ salt), below: 1000)) / 1000
            }
            let weighted = zip(weights, factors).reduce(0) { $0 + $1.0 * $1.1 } / weights.reduce(0, +)
            return factors.map { $0 / weighted * mean }
        }
        let business = rates(businessDeclineShare, salt: 0x4275_7369)
        let technical = rates(technicalDeclineShare, salt: 0x5465_6368)
        let ends = zip(business, technical).map { business, technical in
            Shares(
                business: UInt32(business * 0x1p32), technical: UInt32((business + technical) * 0x1p32),
                abandoned: UInt32((business + technical + abandonedShare) * 0x1p32))
        }
        return [Shares(business: 0, technical: 0, abandoned: 0)] + ends
    }
}
