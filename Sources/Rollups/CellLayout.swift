/// Where the parts of a cell lie, in bytes from its start.
///
/// | part | size | what |
/// |---|---|---|
/// | key | 8 or 16 | the packed dimensions |
/// | often written, wide | 8 each | low half of `amount`, `smallest_amount`, `largest_amount`, low half of `duration_milliseconds` |
/// | often written, narrow | 4 each | `attempts`, `approved`, `settled`, `timed` |
/// | seldom written, wide | 8 each | low halves of the other sums |
/// | seldom written, narrow | 4 each | the other counts |
/// | group | 8 | where something is collected: see `GroupFinder` |
///
/// Only declared measures are there. With all measures declared, the first two groups end at byte 64 at the latest, so that a
/// settled payment touches one cache line, and the others at byte 128. Counts have 32 bits because an accumulator takes fewer
/// than 2^32 records before it is drained. The high halves of sums, which no honest day needs, are kept apart
/// (`CellTable.carries`).
struct CellLayout: Sendable {
    let keyWordCount: Int
    /// Bytes from one cell to the next: up to 64 a power of two, else a multiple of 64, so that cells share few lines.
    let stride: Int
    /// By raw value of the measure: the offset of its count, its extreme or the low half of its sum; 0 when not declared.
    private let offsets: [Int]
    /// Where the address of the cell's group is; 0: there is none.
    let groupOffset: Int

    init(_ declaration: RollupDeclaration, hasGroup: Bool = false) {
        keyWordCount = declaration.key.wordCount
        let often: [Measure] = [
            .amount, .smallestAmount, .largestAmount, .durationMilliseconds, .attempts, .approved, .settled, .timed,
        ]
        var offsets = [Int](repeating: 0, count: 256)
        var end = keyWordCount * 8
        func take(_ size: Int) -> Int {
            let start = (end + size - 1) / size * size
            end = start + size
            return start
        }
        func place(_ measures: [Measure]) {
            for measure in measures where measure.form != .count { offsets[Int(measure.rawValue)] = take(8) }
            for measure in measures where measure.form == .count { offsets[Int(measure.rawValue)] = take(4) }
        }
        place(often.filter(declaration.measures.contains))
        place(declaration.measures.filter { !often.contains($0) })
        groupOffset = hasGroup ? take(8) : 0
        stride = end <= 64 ? max(16, end.nextPowerOfTwo) : (end + 63) / 64 * 64
        self.offsets = offsets
    }

    func offset(of measure: Measure) -> Int? {
        offsets[Int(measure.rawValue)] == 0 ? nil : offsets[Int(measure.rawValue)]
    }

    /// Offsets of the extremes, which are all ones in a new cell.
    var extremes: [Int] { [Measure.smallestAmount, .largestAmount].compactMap(offset(of:)) }
}

extension Int {
    fileprivate var nextPowerOfTwo: Int { 1 << (bitWidth - (self - 1).leadingZeroBitCount) }
}
