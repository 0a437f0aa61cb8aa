import Foundation
import Rollups
import Testing
import Transactions

/// Bands of amounts, and the codes that stand for them.
@Suite struct AmountBandTests {
    @Test func aCodeSaysWhichBandItIs() throws {
        for (lower, upper) in [(nil, 10), (10, 99), (99, 100), (100, 9_900_000), (50_000, nil), (1, 2), (nil, nil)]
            as [(Int64?, Int64?)]
        {
            let band = try #require(AmountBand(from: lower, to: upper))
            #expect(AmountBand(code: band.code) == band)
            #expect(band.code >> UInt32(Dimension.amountBand.bitCount) == 0)
        }
        let largest: Int64 = 99_000_000_000_000_000
        let band = try #require(AmountBand(from: largest, to: nil))
        #expect(AmountBand(code: band.code)?.lowerEdge == largest)
        for (lower, upper) in [(0, nil), (-5, nil), (101, nil), (1_234, 5_000), (10, 10), (20, 10), (nil, .max)]
            as [(Int64?, Int64?)]
        {
            #expect(AmountBand(from: lower, to: upper) == nil)
        }
    }

    @Test func everyCodeIsABandOfItsOwnOrNone() {
        for code in UInt32(0)..<1 << 22 {
            if let band = AmountBand(code: code), band.code != code {
                Issue.record("\(code) is \(band), whose code is \(band.code)")
                break
            }
        }
        #expect(AmountBand(code: 1 << 22) == nil)
    }

    @Test func codesAscendWithTheirBands() throws {
        let bands = try AmountBands(edges: [1, 9, 10, 11, 99, 100, 500, 990, 1_000, 10_000, 5_000_000])
        #expect(bands.codes == bands.codes.sorted())
        #expect(bands.codes.count == 12)
        #expect(AmountBands.decades.codes.count == 10)
    }

    @Test(arguments: [[], [10, 10], [100, 50], [123], [0, 10], Array(1...65)] as [[Int64]])
    func edgesThatCannotBeAreRefused(_ edges: [Int64]) {
        #expect(throws: RollupError.self) { try AmountBands(edges: edges) }
    }

    @Test func aQuestionAboutThemIsCodedWithItsEdges() throws {
        var question = try Question(by: [.amountBand], measures: [.attempts])
        #expect(try decoded(question) == question)
        question.bands = try AmountBands(edges: [50, 1_000])
        #expect(try decoded(question) == question)
        #expect(question.rollup(among: RollupDeclaration.defaults) == nil)
    }

    private func decoded(_ question: Question) throws -> Question {
        try JSONDecoder().decode(Question.self, from: JSONEncoder().encode(question))
    }
}
