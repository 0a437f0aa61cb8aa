/// Values of 16 bytes in the cells of an answer: a count or a sum as two words, an extreme in the first of them.
extension Measure.Form {
    /// Adds a chunk's column to the cells of its rows.
    /// - Parameter high: the upper halves of sums.
    func combine(
        _ low: UnsafePointer<UInt64>, _ high: UnsafePointer<UInt64>?, rowCount: Int,
        into cells: UnsafePointer<UnsafeMutableRawPointer>, offset: Int
    ) {
        switch self {
        case .count, .sum:
            var seen: UInt64 = 0
            if let high { for row in 0..<rowCount { seen |= high[row] } }
            if let high, seen != 0 {
                for row in 0..<rowCount { increase(cells[row] + offset, by: low[row], high[row]) }
            } else {
                for row in 0..<rowCount { increase(cells[row] + offset, by: low[row]) }
            }
        case .smallest:
            for row in 0..<rowCount { lower(cells[row] + offset, to: low[row]) }
        case .largest:
            for row in 0..<rowCount { raise(cells[row] + offset, to: low[row]) }
        case .collected: preconditionFailure("no chunk has a column of what is collected")
        }
    }

    /// Adds a value to another.
    func combine(_ value: UnsafeRawPointer, into place: UnsafeMutableRawPointer) {
        let low = value.load(as: UInt64.self)
        switch self {
        case .count, .sum: increase(place, by: low, value.load(fromByteOffset: 8, as: UInt64.self))
        case .smallest: lower(place, to: low)
        case .largest: raise(place, to: low)
        case .collected: preconditionFailure("collections are united by those who hold them")
        }
    }

    func value(at place: UnsafeMutableRawPointer) -> Int128? {
        switch self {
        case .count, .sum: return Int128(truncatingIfNeeded: place.load(as: UInt128.self))
        case .smallest, .largest:
            let value = place.load(as: UInt64.self)
            return value == .max ? nil : Int128(value)
        case .collected: preconditionFailure("collections are read by those who hold them")
        }
    }
}

@inline(__always)
private func increase(_ place: UnsafeMutableRawPointer, by low: UInt64) {
    let words = place.assumingMemoryBound(to: UInt64.self)
    let (sum, carries) = words[0].addingReportingOverflow(low)
    words[0] = sum
    if carries { words[1] &+= 1 }
}

@inline(__always)
private func increase(_ place: UnsafeMutableRawPointer, by low: UInt64, _ high: UInt64) {
    increase(place, by: low)
    place.assumingMemoryBound(to: UInt64.self)[1] &+= high
}

@inline(__always)
private func lower(_ place: UnsafeMutableRawPointer, to value: UInt64) {
    let word = place.assumingMemoryBound(to: UInt64.self)
    word.pointee = min(word.pointee, value)
}

/// All ones, where nothing settled, is less than any amount.
@inline(__always)
private func raise(_ place: UnsafeMutableRawPointer, to value: UInt64) {
    let word = place.assumingMemoryBound(to: UInt64.self)
    word.pointee = word.pointee &+ 1 > value &+ 1 ? word.pointee : value
}
