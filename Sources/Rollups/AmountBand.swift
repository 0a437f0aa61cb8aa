import Transactions

/// Bands of amounts: what the codes of `Dimension.amountBand` stand for.
///
/// A code says by itself which band it is, so that it means the same whatever bands were asked for, and codes ascend with
/// their bands. Edges are in major units of the currency and have at most two digits that are not 0.
///
/// | bits | content |
/// |---|---|
/// | 11 to 21 | the lower edge, which belongs to the band; 0: there is none |
/// | 0 to 10 | the upper edge, which does not; 0: there is none |
///
/// Of the 11 bits of an edge the high 4 are an exponent of ten and the low 7 the number that it multiplies, 10 to 99 unless
/// the exponent is 0.
public struct AmountBand: Hashable, Sendable {
    /// In major units of the currency; nil: none.
    public var lowerEdge: Int64?
    /// In major units of the currency; nil: none.
    public var upperEdge: Int64?

    /// The band of a code; nil when the code is none's.
    public init?(code: UInt32) {
        guard code >> 22 == 0, let lower = Self.edge(code >> 11), let upper = Self.edge(code & 0x7FF) else {
            return nil
        }
        (lowerEdge, upperEdge) = (lower.flatMap(\.self), upper.flatMap(\.self))
        if let lowerEdge, let upperEdge, lowerEdge >= upperEdge { return nil }
    }

    /// From `lowerEdge` to below `upperEdge`; nil when an edge cannot be one or they are not in order.
    public init?(from lowerEdge: Int64?, to upperEdge: Int64?) {
        for edge in [lowerEdge, upperEdge] { if let edge, Self.code(ofEdge: edge) == nil { return nil } }
        if let lowerEdge, let upperEdge, lowerEdge >= upperEdge { return nil }
        (self.lowerEdge, self.upperEdge) = (lowerEdge, upperEdge)
    }

    /// Its code.
    public var code: UInt32 {
        func code(_ edge: Int64?) -> UInt32 { edge.flatMap(Self.code(ofEdge:)) ?? 0 }
        return code(lowerEdge) << 11 | code(upperEdge)
    }

    /// An edge of the code's bits; nil in nil: none.
    private static func edge(_ bits: UInt32) -> Int64?? {
        let (exponent, digits) = (bits >> 7, Int64(bits & 0x7F))
        if bits == 0 { return .some(nil) }
        guard exponent == 0 ? (1...99).contains(digits) : (10...99).contains(digits) else { return nil }
        return digits * powersOfTen[Int(exponent)]
    }

    private static func code(ofEdge edge: Int64) -> UInt32? {
        guard edge > 0 else { return nil }
        var (digits, exponent) = (edge, UInt32(0))
        while digits > 99 {
            guard digits % 10 == 0 else { return nil }
            digits /= 10
            exponent += 1
        }
        return exponent <= 15 ? exponent << 7 | UInt32(digits) : nil
    }

    fileprivate static let powersOfTen: [Int64] = (0..<16).map { (0..<$0).reduce(Int64(1)) { power, _ in power * 10 } }
}

/// Edges that divide all amounts into bands.
public struct AmountBands: Hashable, Sendable {
    /// Ascending, in major units of the currency.
    public let edges: [Int64]

    /// The most edges.
    public static let largestCount = 64

    /// Powers of ten, from 10 to 1,000,000,000.
    public static let decades = AmountBands(trusted: AmountBand.powersOfTen[1...9].map(\.self))

    private init(trusted edges: [Int64]) { self.edges = edges }

    /// Bands between edges.
    /// - Throws: `RollupError` when there is none or too many, when they do not ascend, or when one of them is no whole number
    ///   above 0 with at most two digits that are not 0.
    public init(edges: [Int64]) throws(RollupError) {
        guard (1...Self.largestCount).contains(edges.count) else {
            throw .amountBands("there are \(edges.count) edges; expected 1 to \(Self.largestCount)")
        }
        for (place, edge) in edges.enumerated() {
            guard AmountBand(from: edge, to: nil) != nil else {
                throw .amountBands(
                    "\(edge) is no edge; expected a number above 0 with at most two digits that are not 0")
            }
            if place > 0, edge <= edges[place - 1] {
                throw .amountBands("\(edge) follows \(edges[place - 1]); expected ascending edges")
            }
        }
        self.edges = edges
    }

    /// The codes of the bands, ascending.
    public var codes: [UInt32] {
        (0...edges.count).map { place in
            AmountBand(from: place > 0 ? edges[place - 1] : nil, to: place < edges.count ? edges[place] : nil)!.code
        }
    }
}

/// Finds the bands of amounts, a block at a time.
final class AmountBandColumn {
    private let codes: [UInt64]
    /// By digits of a currency's minor unit, the edges in minor units as blocks hold amounts; those that no amount reaches are
    /// left out.
    private let edges: [[UInt64]]
    /// By number of the currency.
    private let minorUnitDigits: [UInt8]
    private let found: UnsafeMutableBufferPointer<UInt64>

    private static let mostDigits = 4

    init(_ bands: AmountBands, capacity: Int) {
        codes = bands.codes.map(UInt64.init)
        edges = (0...Self.mostDigits).map { digits in
            bands.edges.compactMap { edge in
                let (value, isTooLarge) = edge.multipliedReportingOverflow(by: AmountBand.powersOfTen[digits])
                return isTooLarge ? nil : UInt64(bitPattern: value) ^ 1 << 63
            }
        }
        minorUnitDigits = (0..<1024).map { UInt8(min(Self.mostDigits, Currency(rawValue: $0).minorUnitDigits)) }
        found = .allocate(capacity: capacity)
    }

    deinit { found.deallocate() }

    /// The code of the band of each amount. It stays until the next call.
    func codes(
        amounts: UnsafePointer<UInt64>, currencies: UnsafePointer<UInt64>, count: Int
    ) -> UnsafePointer<UInt64> {
        precondition(count <= found.count, "more records than there is room for")
        edges.withUnsafeBufferPointer { edges in
            for row in 0..<count {
                let own = edges[Int(minorUnitDigits[Int(currencies[row] & 1023)])]
                var place = 0
                while place < own.count, own[place] <= amounts[row] { place &+= 1 }
                found[row] = codes[place]
            }
        }
        return UnsafePointer(found.baseAddress!)
    }
}
