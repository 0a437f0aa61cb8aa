import Transactions

/// Who takes part: payers, payees, institutions, gateways, services and regions, and how often.
///
/// What belongs to a payer or a payee for good (a payer's bank, a payee's bank and home region) is a function of its
/// number, the same on every day and for every seed.
final class Population: Sendable {
    static let sourceCount = 50
    static let institutionCount = 59
    static let commercialServiceCount = 1600
    static let procedureCount = 200
    static let payeeCount = 500_000
    static let payerCount = 30_000_000
    /// Procedures of the public service have codes of their own range: 10,001 to 10,200.
    static let firstProcedure = 10_001
    /// Payees of a smaller rank are chains and billers that work in the whole country.
    static let nationwidePayeeCount = 1000
    /// The last payees by rank are public agencies.
    static let agencyCount = 2000
    /// The last sources by rank do not measure durations.
    static let firstSourceWithoutDuration = 48

    let sources = AliasTable(zipf: Population.sourceCount)
    let institutions = AliasTable(zipf: Population.institutionCount)
    let services = AliasTable(zipf: Population.commercialServiceCount)
    let procedures = AliasTable(zipf: Population.procedureCount)
    let payees = SteppedZipf(Population.payeeCount)
    let regions = AliasTable(zipf: ReferenceDay.regions.count)
    let regionCodes = Table(ReferenceDay.regions.map(\.code))

    deinit {
        for table in [sources, institutions, services, procedures, regions] { table.deallocate() }
        payees.deallocate()
        regionCodes.deallocate()
    }

    /// The code of the payer's or payee's institution, from a word that belongs to the payer or payee.
    @inline(__always)
    func institution(_ draw: UInt64) -> UInt16 { UInt16(truncatingIfNeeded: institutions.index(draw) + 1) }

    /// The institution of payer `number`, 0..<30,000,000.
    @inline(__always)
    func institution(ofPayer number: Int) -> UInt16 {
        institution(mixed(UInt64(truncatingIfNeeded: number) &+ 0x5061_7965_7200_0000))
    }

    /// Fills in who is paid, through which bank and where.
    @inline(__always)
    func setPayee(rank: Int, regionDraw: UInt64, _ record: inout Record) {
        let own = mixed(UInt64(truncatingIfNeeded: rank) &+ 0x5061_7965_6500_0000)
        record.payee = Population.payeeCode(rank: rank)
        record.payeeInstitution = institution(own)
        let word = rank < Population.nationwidePayeeCount ? regionDraw : mixed(own &+ 1)
        record.region = regionCodes[regions.index(word)]
    }

    /// Codes are spread over 1...500,000, so that a code does not tell its rank.
    @inline(__always)
    static func payeeCode(rank: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: rank &* 277_777 % payeeCount + 1)
    }

    /// A bijection of 48 bits from the payer's number and 23 bits of the key.
    ///
    /// Only 0 becomes 0, and no payer enters as 0.
    @inline(__always)
    static func payerToken(number: Int, key: UInt64) -> UInt64 {
        let mask: UInt64 = (1 << 48) - 1
        let numberMask: UInt64 = (1 << 25) - 1
        var token = (key & mask & ~numberMask) | UInt64(truncatingIfNeeded: number + 1)
        token = (token ^ token >> 24) &* 0xD6E8_FEB8_6659 & mask
        token = (token ^ token >> 23) &* 0xA5A3_5642_98D1 & mask
        return token ^ token >> 24
    }
}
