/// Encodes columns of unsigned 64-bit values, each in the cheapest way found. All memory is allocated once.
///
/// The choice goes by the covering frame, a sorted sample of values, another of differences, and, where the sample
/// shows repetition, an exact count of the distinct values. Whatever the estimates say, a column never takes more than
/// its packed values do: a choice that turns out worse is encoded anew, packed. Not for use by two threads at once.
public final class ColumnEncoder {
    /// A description and the stored bytes, which stay valid until the next column is encoded.
    public struct Encoded {
        /// What the bytes are.
        public var descriptor: ColumnDescriptor
        /// The stored bytes, `descriptor.storedByteCount` of them.
        public var bytes: UnsafeRawBufferPointer
    }

    /// The most values that a column may have.
    public let capacity: Int
    /// LZ4 clears 16 KiB before it looks at anything.
    private static let leastCompressedCount = 512
    /// About what an anchor takes in the list of these.
    private static let anchorBitCount = 28
    private let staging: UnsafeMutableRawPointer
    private let compressor: Compressor
    private let steps: UnsafeMutablePointer<UInt64>
    private let entryPlaces: UnsafeMutablePointer<UInt64>
    private let entryValues: UnsafeMutablePointer<UInt64>
    private let entryCounts: UnsafeMutablePointer<UInt64>
    private let words: UnsafeMutableRawPointer
    private let lanes: UnsafeMutableRawPointer
    private let symbolTable: UnsafeMutablePointer<RangeCoder.Symbol>
    private let sample = ColumnSample()
    private let alphabet: Alphabet

    private enum Method {
        case framed(ColumnSample.Choice)
        case wholeBytes(Frame)
        case transformed(Transform)
        case dictionary
        case rangeCoded
    }

    /// An encoder of columns of up to `capacity` values, which may not exceed 2^28.
    public init(capacity: Int) {
        precondition((1...1 << 28).contains(capacity), "a column has 1 to 2^28 values")
        self.capacity = capacity
        // Patched: the packed values, then at most half of them with their places. Range-coded: the lists and the words.
        staging = .allocate(byteCount: 32 * capacity + 4096, alignment: 64)
        compressor = Compressor(capacity: 8 * CompressedParts.valueCount)
        steps = .allocate(capacity: capacity)
        entryPlaces = .allocate(capacity: max(RangeCodedParts.largestGroupCount, capacity + 1))
        entryValues = .allocate(capacity: capacity + 1)
        entryCounts = .allocate(capacity: max(RangeCodedParts.largestGroupCount, Piece.count(of: capacity)))
        words = .allocate(byteCount: 2 * capacity + 4 * Piece.count(of: capacity), alignment: 64)
        lanes = .allocate(byteCount: RangeCoder.laneCount * RangeCoder.largestPieceByteCount + 2, alignment: 64)
        symbolTable = .allocate(capacity: RangeCoder.largestAlphabetCount)
        alphabet = Alphabet(capacity: capacity)
    }

    deinit {
        staging.deallocate()
        steps.deallocate()
        entryPlaces.deallocate()
        entryValues.deallocate()
        entryCounts.deallocate()
        words.deallocate()
        lanes.deallocate()
        symbolTable.deallocate()
    }

    /// Encodes `values`, at most `capacity` of them.
    public func encode(_ values: UnsafeBufferPointer<UInt64>) -> Encoded {
        precondition(values.count <= capacity, "more values than the encoder has room for")
        let covering = Frame(covering: values)
        var descriptor = ColumnDescriptor(codec: .packed, frame: covering, count: values.count)
        if covering.width == 0 {
            descriptor.codec = .constant
            return seal(descriptor)
        }
        let method = chooseMethod(values, covering: covering)
        write(values, by: method, covering: covering, descriptor: &descriptor)
        let packedByteCount = BitPacking.byteCount(count: values.count, width: covering.width)
        if descriptor.storedByteCount <= packedByteCount { return seal(descriptor) }
        descriptor = ColumnDescriptor(codec: .packed, frame: covering, count: values.count)
        descriptor.storedByteCount = writePacked(values, frame: covering, at: 0)
        return seal(descriptor)
    }

    private func chooseMethod(_ values: UnsafeBufferPointer<UInt64>, covering: Frame) -> Method {
        let count = values.count
        sample.draw(values, frame: covering)
        let distinctShare = sample.distinctShare
        let framed = sample.choose(covering: covering, total: count)
        var least = framed.bitCount
        var method = Method.framed(framed)
        if count >= 3 {
            sample.drawDifferences(values)
            let differences = expectedBitCount(ofStepsScaledBy: covering.scale, count)
            if differences < least { (least, method) = (differences, .transformed(.differences)) }
        }
        if case .transformed = method, count >= 256 {
            sample.drawLags(values)
            let lags = expectedBitCount(ofStepsScaledBy: covering.scale, count)
            if lags < 0.99 * least { (least, method) = (lags, .transformed(.lags)) }
        }
        if count >= ColumnEncoder.leastCompressedCount {
            let whole = Frame(reference: covering.reference, scale: covering.scale, width: (covering.width + 7) / 8 * 8)
            let compressed = 1.1 * compressedShare(values, frame: whole) * Double(count * whole.width)
            if compressed < least { (least, method) = (compressed, .wholeBytes(whole)) }
        }
        guard distinctShare < 0.92, isWorthCounting(count, width: covering.width) else { return method }
        let cost = alphabet.collect(values, frame: covering)
        if cost.rangeCoded < 0.97 * min(least, cost.dictionary) { return .rangeCoded }
        return cost.dictionary < 0.97 * least ? .dictionary : method
    }

    /// False for few values over a wide range, for which clearing the tables would cost more than it could bring.
    private func isWorthCounting(_ count: Int, width: Int) -> Bool {
        width > 16 ? count >= 2048 : count >= 64 && 1 << width <= 64 * count
    }

    /// For the sampled differences or lags, which are multiples of the values' scale.
    private func expectedBitCount(ofStepsScaledBy scale: UInt64, _ count: Int) -> Double {
        let choice = sample.choose(covering: sample.sampledFrame, total: count)
        let savedWidth = min(BitPacking.width(of: scale) - 1, choice.frame.width)
        let anchorsBitCount = 64 + (Piece.count(of: count) - 1) * ColumnEncoder.anchorBitCount
        return choice.bitCount + Double(anchorsBitCount - savedWidth * count)
    }

    /// What LZ4 leaves of 512 neighbouring values at whole bytes each, as a share.
    private func compressedShare(_ values: UnsafeBufferPointer<UInt64>, frame: Frame) -> Double {
        let count = min(values.count, 512)
        let middle = UnsafeBufferPointer(rebasing: values[(values.count - count) / 2..<(values.count + count) / 2])
        let end = writePacked(middle, frame: frame, at: 0)
        guard end >= Compressor.leastByteCount else { return 1 }
        let compressed = compressor.compress(UnsafeRawBufferPointer(start: staging, count: end))
        return Double(compressed.count) / Double(end)
    }

    private func write(
        _ values: UnsafeBufferPointer<UInt64>, by method: Method, covering: Frame, descriptor: inout ColumnDescriptor
    ) {
        switch method {
        case .framed(let choice):
            writeFramed(values, choice: choice, at: 0, descriptor: &descriptor)
        case .wholeBytes(let frame):
            descriptor = ColumnDescriptor(codec: .packed, frame: frame, count: values.count)
            writePackedOrCompressed(values, at: 0, descriptor: &descriptor)
        case .transformed(let transform):
            writeTransformed(values, transform, descriptor: &descriptor)
        case .dictionary:
            writeDictionary(values, descriptor: &descriptor)
        case .rangeCoded:
            writeRangeCoded(values, descriptor: &descriptor)
        }
    }

    private func writeDictionary(_ values: UnsafeBufferPointer<UInt64>, descriptor: inout ColumnDescriptor) {
        let indices = Frame(reference: 0, scale: 1, width: BitPacking.width(of: UInt64(alphabet.count - 1)))
        descriptor = ColumnDescriptor(codec: .dictionary, frame: indices, count: values.count)
        descriptor.entryCount = alphabet.count
        let end = writeList(UnsafeBufferPointer(start: alphabet.values, count: alphabet.count), at: 0)
        let symbols = alphabet.index(values)
        for index in 0..<symbols.count { steps[index] = UInt64(symbols[index]) }
        let column = UnsafeBufferPointer(start: steps, count: values.count)
        descriptor.storedByteCount = writePacked(column, frame: indices, at: end)
    }

    private func writeTransformed(
        _ values: UnsafeBufferPointer<UInt64>, _ transform: Transform, descriptor: inout ColumnDescriptor
    ) {
        let (steps, anchors) = (steps, entryPlaces)
        if transform == .differences {
            for index in 1..<values.count { steps[index] = difference(values[index], values[index - 1]) }
            // The first step is as good as any; this one leaves the frame as it is.
            steps[0] = steps[1]
            anchors[0] = values[0] &- (values[1] &- values[0])
            for piece in 1..<max(1, Piece.count(of: values.count)) {
                anchors[piece] = values[piece * Piece.valueCount - 1]
            }
        } else {
            var largest = values[0]
            for index in 0..<values.count {
                if index % Piece.valueCount == 0 { anchors[index / Piece.valueCount] = largest }
                steps[index] = difference(values[index], largest)
                largest = max(largest, values[index])
            }
        }
        let column = UnsafeBufferPointer(start: steps, count: values.count)
        let covering = Frame(covering: column)
        sample.draw(column, frame: covering)
        let choice = sample.choose(covering: covering, total: column.count)
        descriptor = ColumnDescriptor(codec: .packed, frame: covering, count: values.count)
        descriptor.transform = transform
        staging.storeBytes(of: anchors[0], as: UInt64.self)
        let furtherCount = Piece.count(of: values.count) - 1
        var end = 8
        if furtherCount > 0, covering.width > 0 || transform == .lags {
            end = writeList(UnsafeBufferPointer(start: anchors + 1, count: furtherCount), at: end)
        }
        writeFramed(column, choice: choice, at: end, descriptor: &descriptor)
    }

    private func writeFramed(
        _ values: UnsafeBufferPointer<UInt64>, choice: ColumnSample.Choice, at offset: Int,
        descriptor: inout ColumnDescriptor
    ) {
        let frame = choice.frame
        (descriptor.reference, descriptor.scale, descriptor.width) = (frame.reference, frame.scale, frame.width)
        guard choice.isPatched else {
            writePackedOrCompressed(values, at: offset, descriptor: &descriptor)
            return
        }
        let kept = keepApart(values, frame: frame)
        guard kept <= values.count / 2 else {
            descriptor.storedByteCount = .max
            return
        }
        let end = writePacked(values, frame: frame, at: offset)
        guard kept > 0 else {
            descriptor.storedByteCount = end
            return
        }
        descriptor.codec = .patched
        descriptor.entryCount = kept
        descriptor.storedByteCount = writePatches(count: kept, pieceCount: Piece.count(of: values.count), at: end)
    }

    /// Packs the values, in LZ4 blocks where these turn out smaller.
    private func writePackedOrCompressed(
        _ values: UnsafeBufferPointer<UInt64>, at offset: Int, descriptor: inout ColumnDescriptor
    ) {
        let frame = descriptor.frame
        descriptor.codec = .packed
        guard frame.width > 0 else {
            if descriptor.transform != .lags { descriptor.codec = .constant }
            descriptor.storedByteCount = offset
            return
        }
        let end = writePacked(values, frame: frame, at: offset)
        descriptor.storedByteCount = end
        let packed = UnsafeRawBufferPointer(start: staging + offset, count: end - offset)
        guard values.count >= ColumnEncoder.leastCompressedCount, compressor.isWorthwhile(packed) else { return }
        let blockByteCount = CompressedParts.valueCount / 8 * frame.width
        var (compressedEnd, blockCount) = (end + BitPacking.slackByteCount, 0)
        for start in stride(from: 0, to: packed.count, by: blockByteCount) {
            let block = packed[start..<min(packed.count, start + blockByteCount)]
            let compressed = compressor.compress(UnsafeRawBufferPointer(rebasing: block))
            guard let base = compressed.baseAddress else { return }
            (staging + compressedEnd).copyMemory(from: base, byteCount: compressed.count)
            compressedEnd += compressed.count
            entryValues[blockCount] = UInt64(compressedEnd - end - BitPacking.slackByteCount)
            blockCount += 1
        }
        let byteCount = compressedEnd - end - BitPacking.slackByteCount
        guard byteCount + 2 * blockCount < packed.count * 97 / 100 else { return }
        let listEnd = writeList(UnsafeBufferPointer(start: entryValues, count: blockCount), at: offset)
        guard listEnd <= end else { return }
        (staging + listEnd).copyMemory(from: staging + end + BitPacking.slackByteCount, byteCount: byteCount)
        descriptor.codec = .compressed
        descriptor.storedByteCount = listEnd + byteCount
    }

    /// Writes the patches that were gathered: how many come before each piece, their places in it, and their values.
    private func writePatches(count: Int, pieceCount: Int, at offset: Int) -> Int {
        let (places, before) = (entryPlaces, entryCounts)
        var index = 0
        for piece in 0..<pieceCount {
            while index < count, places[index] < UInt64(piece * Piece.valueCount) { index += 1 }
            before[piece] = UInt64(index)
        }
        for index in 0..<count { places[index] %= UInt64(Piece.valueCount) }
        var end = writeRanges(before, pieceCount: pieceCount, total: count, at: offset)
        end = writeList(UnsafeBufferPointer(start: places, count: count), at: end)
        return writeList(UnsafeBufferPointer(start: entryValues, count: count), at: end)
    }

    /// Gathers the values outside the frame with their places; without a branch, as these come irregularly.
    private func keepApart(_ values: UnsafeBufferPointer<UInt64>, frame: Frame) -> Int {
        let (places, entries) = (entryPlaces, entryValues)
        let mask = BitPacking.mask(frame.width)
        var kept = 0
        for index in 0..<values.count {
            places[kept] = UInt64(index)
            entries[kept] = values[index]
            kept &+= frame.quotient(values[index]) > mask ? 1 : 0
        }
        return kept
    }

    private func writeRangeCoded(_ values: UnsafeBufferPointer<UInt64>, descriptor: inout ColumnDescriptor) {
        let alphabetCount = alphabet.count + (alphabet.escapedCount > 0 ? 1 : 0)
        let precision = RangeCoder.precision(alphabetCount: alphabetCount)
        let frequencies = UnsafeMutableBufferPointer(start: alphabet.counts, count: alphabetCount)
        RangeCoder.normalise(frequencies, total: values.count, precision: precision)
        alphabet.arrange()
        var start: UInt32 = 0
        for (number, frequency) in frequencies.enumerated() {
            symbolTable[number] = .init(start: start, frequency: UInt32(frequency), precision: precision)
            start += UInt32(frequency)
        }
        let symbols = alphabet.index(values)
        let pieceCount = Piece.count(of: values.count)
        var end = writeGroups(UnsafeBufferPointer(frequencies))
        end = writeList(UnsafeBufferPointer(start: alphabet.values, count: alphabet.count), at: end)
        if alphabet.escapedCount > 0 {
            end = writeList(escapedValues(values, symbols), at: end)
            end = writeRanges(entryCounts, pieceCount: pieceCount, total: alphabet.escapedCount, at: end)
        }
        let byteCount = RangeCoder.encode(
            symbols, table: symbolTable, lanes: lanes, to: words, firstWords: entryPlaces)
        end = writeRanges(entryPlaces, pieceCount: pieceCount, total: byteCount / 2, at: end)
        (staging + end).copyMemory(from: words, byteCount: byteCount)
        descriptor = ColumnDescriptor(
            codec: .rangeCoded, frame: Frame(reference: 0, scale: 1, width: 0), count: values.count)
        descriptor.entryCount = alphabet.count
        descriptor.escapedCount = alphabet.escapedCount
        descriptor.storedByteCount = end + byteCount
    }

    /// Writes how many groups of equal frequencies there are, and of each the frequency and the number of symbols.
    ///
    /// The escape's frequency may be the last group's: then it is its last symbol.
    private func writeGroups(_ frequencies: UnsafeBufferPointer<UInt64>) -> Int {
        var groupCount = 0
        for index in 0..<frequencies.count {
            if index == 0 || frequencies[index] != frequencies[index - 1] {
                entryPlaces[groupCount] = frequencies[index]
                entryCounts[groupCount] = 0
                groupCount += 1
            }
            entryCounts[groupCount - 1] += 1
        }
        staging.storeBytes(of: UInt32(groupCount), as: UInt32.self)
        let end = writeList(UnsafeBufferPointer(start: entryPlaces, count: groupCount), at: 4)
        return writeList(UnsafeBufferPointer(start: entryCounts, count: groupCount), at: end)
    }

    /// The values whose symbol is the escape, in their order; how many come before each piece goes to `entryCounts`.
    private func escapedValues(
        _ values: UnsafeBufferPointer<UInt64>, _ symbols: UnsafeBufferPointer<UInt16>
    ) -> UnsafeBufferPointer<UInt64> {
        let (entries, escape) = (entryValues, UInt16(alphabet.count))
        var kept = 0
        for piece in 0..<Piece.count(of: values.count) {
            entryCounts[piece] = UInt64(kept)
            for index in Piece.range(piece, of: values.count) {
                entries[kept] = values[index]
                kept &+= symbols[index] == escape ? 1 : 0
            }
        }
        return UnsafeBufferPointer(start: entries, count: kept)
    }

    /// Returns the offset of the first byte behind the packed values.
    private func writePacked(_ values: UnsafeBufferPointer<UInt64>, frame: Frame, at offset: Int) -> Int {
        BitPacking.pack(values, frame: frame, to: staging + offset)
        return offset + BitPacking.byteCount(count: values.count, width: frame.width)
    }

    /// Returns the offset of the first byte behind the list.
    private func writeList(_ values: UnsafeBufferPointer<UInt64>, at offset: Int) -> Int {
        offset + PackedList.write(values, to: staging + offset)
    }

    /// Returns the offset of the first byte behind the ranges.
    private func writeRanges(
        _ firsts: UnsafeMutablePointer<UInt64>, pieceCount: Int, total: Int, at offset: Int
    ) -> Int {
        let list = UnsafeMutableBufferPointer(start: firsts, count: pieceCount)
        return offset + PieceRanges.write(list, total: total, to: staging + offset)
    }

    private func seal(_ descriptor: ColumnDescriptor) -> Encoded {
        var descriptor = descriptor
        let bytes = UnsafeRawBufferPointer(start: staging, count: descriptor.storedByteCount)
        descriptor.checksum = crc32c(of: bytes)
        return Encoded(descriptor: descriptor, bytes: bytes)
    }
}
