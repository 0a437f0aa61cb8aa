/// Reads single values of columns, each at the cost of a part of a piece. Not for use by two threads at once.
///
/// Checksums are the caller's to verify beforehand; bytes that were not verified, or that are forged, yield errors or
/// wrong values, and nothing else. Range-coded columns are `RangeCursor`'s.
final class ColumnReader {
    private let piece: UnsafeMutablePointer<UInt64>
    private let decompressed: UnsafeMutableRawPointer
    private let memory = RangeCursor.Memory()

    init() {
        piece = .allocate(capacity: Piece.valueCount)
        decompressed = .allocate(byteCount: 8 * CompressedParts.valueCount, alignment: 64)
    }

    deinit {
        piece.deallocate()
        decompressed.deallocate()
        memory.deallocate()
    }

    /// Reads the values at `indices`, ascending and below the column's count, to the first places of `output`.
    func read(
        _ parts: ColumnParts, at indices: [Int], into output: UnsafeMutableBufferPointer<UInt64>
    ) throws(ColumnError) {
        guard parts.descriptor.transform == .none else {
            try readSteps(parts, at: indices, into: output)
            return
        }
        let descriptor = parts.descriptor
        switch parts.body {
        case .constant:
            for number in 0..<indices.count { output[number] = descriptor.reference }
        case .packed(let packed):
            for number in 0..<indices.count { output[number] = descriptor.value(packed, at: indices[number]) }
        case .patched(let packed, let patches):
            for number in 0..<indices.count {
                let index = indices[number]
                output[number] = try patches.value(at: index) ?? descriptor.value(packed, at: index)
            }
        case .dictionary(let entries, let packed):
            for number in 0..<indices.count {
                let entry = descriptor.value(packed, at: indices[number])
                guard entry < entries.count else { throw .malformed("index into the dictionary") }
                output[number] = entries[Int(entry)]
            }
        case .rangeCoded, .compressed:
            try readPieces(parts, at: indices, into: output)
        }
    }

    private func readSteps(
        _ parts: ColumnParts, at indices: [Int], into output: UnsafeMutableBufferPointer<UInt64>
    ) throws(ColumnError) {
        guard case .constant = parts.body else {
            try readPieces(parts, at: indices, into: output)
            return
        }
        let step = parts.descriptor.reference &- (1 << 63)
        for number in 0..<indices.count { output[number] = parts.anchor(0) &+ UInt64(indices[number] + 1) &* step }
    }

    private func readPieces(
        _ parts: ColumnParts, at indices: [Int], into output: UnsafeMutableBufferPointer<UInt64>
    ) throws(ColumnError) {
        var number = 0
        while number < indices.count {
            let first = number
            let piece = indices[number] / Piece.valueCount
            while number < indices.count, indices[number] / Piece.valueCount == piece { number += 1 }
            let values = try readPiece(parts, piece, count: indices[number - 1] % Piece.valueCount + 1)
            for each in first..<number { output[each] = values[indices[each] % Piece.valueCount] }
        }
    }

    /// As many zeros, at most a piece of them, valid until the next call.
    func zeros(count: Int) -> UnsafeBufferPointer<UInt64> {
        let output = UnsafeMutableBufferPointer(start: piece, count: count)
        output.update(repeating: 0)
        return UnsafeBufferPointer(output)
    }

    /// The first `count` values of a piece, valid until the next call.
    func readPiece(
        _ parts: ColumnParts, _ piece: Int, count: Int
    ) throws(ColumnError) -> UnsafeBufferPointer<UInt64> {
        let output = UnsafeMutableBufferPointer(start: self.piece, count: count)
        switch parts.body {
        case .constant: output.update(repeating: parts.descriptor.reference)
        case .packed(let packed): parts.descriptor.unpack(packed, piece, into: output)
        case .patched(let packed, let patches):
            parts.descriptor.unpack(packed, piece, into: output)
            for index in try patches.ranges.range(piece) {
                let place = patches.places[index]
                if place < count { output[Int(place)] = patches.values[index] }
            }
        case .dictionary(let entries, let packed):
            parts.descriptor.unpack(packed, piece, into: output)
            for index in 0..<count {
                guard output[index] < entries.count else { throw .malformed("index into the dictionary") }
                output[index] = entries[Int(output[index])]
            }
        case .rangeCoded(let coded):
            var cursor = try RangeCursor(coded, memory: memory)
            try cursor.seek(piece)
            for index in 0..<count {
                cursor.step()
                output[index] = try cursor.value()
            }
        case .compressed(let compressed):
            let piecesOfBlock = CompressedParts.valueCount / Piece.valueCount
            let packed = try compressed.decompress(piece / piecesOfBlock, to: decompressed)
            parts.descriptor.unpack(packed, piece % piecesOfBlock, into: output)
        }
        if parts.descriptor.transform != .none { parts.addSteps(output, from: parts.stepAnchor(piece)) }
        return UnsafeBufferPointer(output)
    }
}

extension ColumnParts {
    /// What the steps of a piece start from, for a codec with or without anchors beyond the first.
    fileprivate func stepAnchor(_ piece: Int) -> UInt64 {
        guard case .constant = body else { return anchor(piece) }
        return anchor(0) &+ UInt64(piece * Piece.valueCount) &* (descriptor.reference &- (1 << 63))
    }
}

extension ColumnParts.Patches {
    /// The patch at an index of the column, if there is one: by halves, as places ascend.
    fileprivate func value(at index: Int) throws(ColumnError) -> UInt64? {
        let place = UInt64(index % Piece.valueCount)
        let range = try ranges.range(index / Piece.valueCount)
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if places[middle] < place { low = middle + 1 } else { high = middle }
        }
        return low < range.upperBound && places[low] == place ? values[low] : nil
    }
}

extension ColumnDescriptor {
    fileprivate func value(_ packed: UnsafeRawBufferPointer, at index: Int) -> UInt64 {
        reference &+ BitPacking.value(packed, at: index, width: width) &* scale
    }

    /// Unpacks the first values of a piece, which begins at a whole byte.
    fileprivate func unpack(
        _ packed: UnsafeRawBufferPointer, _ piece: Int, into output: UnsafeMutableBufferPointer<UInt64>
    ) {
        let start = piece * Piece.valueCount / 8 * width
        BitPacking.unpack(
            UnsafeRawBufferPointer(rebasing: packed[start...]), reference: reference, scale: scale, width: width,
            into: output)
    }
}
