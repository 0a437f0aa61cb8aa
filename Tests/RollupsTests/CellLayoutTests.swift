import Testing

@testable import Rollups

/// Counting is bound by the cache lines that it touches.
@Suite struct CellLayoutTests {
    @Test(arguments: RollupDeclaration.defaults)
    func whatASettledPaymentWritesLiesInOneCacheLine(rollup: RollupDeclaration) {
        let layout = CellLayout(rollup)
        let written: [Measure] = [
            .attempts, .approved, .settled, .amount, .smallestAmount, .largestAmount, .durationMilliseconds, .timed,
        ]
        for measure in written {
            guard let offset = layout.offset(of: measure) else { continue }
            #expect(offset + (measure.form == .count ? 4 : 8) <= 64, "\(measure.name)")
        }
    }

    @Test(arguments: RollupDeclaration.defaults)
    func aCellHasTwoCacheLinesAtMost(rollup: RollupDeclaration) {
        #expect(CellLayout(rollup).stride <= 128)
    }

    @Test(arguments: RollupDeclaration.defaults)
    func noTwoMeasuresShareABit(rollup: RollupDeclaration) {
        let layout = CellLayout(rollup)
        var taken = Set(0..<layout.keyWordCount * 8)
        for measure in rollup.measures {
            let offset = layout.offset(of: measure)!
            for byte in offset..<offset + (measure.form == .count ? 4 : 8) {
                #expect(taken.insert(byte).inserted, "\(measure.name)")
                #expect(byte < layout.stride)
            }
        }
    }
}
