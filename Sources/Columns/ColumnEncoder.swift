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
    private let staging: UnsafeMutableRawPointer
    private let compressor: Compressor
    private let differences: UnsafeMutablePointer<UInt64>
    private let entryPlaces: UnsafeMutablePointer<UInt64>
    private let entryValues: UnsafeMutablePointer<UInt64>
    private let words: UnsafeMutableRawPointer
    private let wordByteCount: Int
    private let symbolTable: UnsafeMutablePointer<RangeCoder.Symbol>
    private let sample = ColumnSample()
    private let alphabet: Alphabet

    private enum Method {
        case framed(ColumnSample.Choice)
        case wholeBytes(Frame)
        case differences
        case dictionary
        case rangeCoded
    }

    /// An encoder of columns of up to `capacity` values, which may not exceed 2^28.
    public init(capacity: Int) {
        precondition((1...1 << 28).contains(capacity), "a column has 1 to 2^28 values")
        self.capacity = capacity
        // Patched: packed values, then at most a quarter of them with their places. Alphabet: two columns and the words.
        staging = .allocate(byteCount: 24 * capacity + 4096, alignment: 64)
        compressor = Compressor(capacity: 8 * capacity)
        differences = .allocate(capacity: capacity)
        entryPlaces = .allocate(capacity: capacity)
        entryValues = .allocate(capacity: capacity)
        wordByteCount = 2 * capacity + RangeCoder.stateByteCount
        words = .allocate(byteCount: wordByteCount + 8, alignment: 64)
        symbolTable = .allocate(capacity: RangeCoder.largestAlphabetCount)
        alphabet = Alphabet(capacity: capacity)
    }

    deinit {
        staging.deallocate()
        differences.deallocate()
        entryPlaces.deallocate()
        entryValues.deallocate()
        words.deallocate()
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
        if descriptor.encodedByteCount <= 8 * values.count {
            let encoded = seal(descriptor)
            if encoded.bytes.count <= packedByteCount { return encoded }
        }
        descriptor = ColumnDescriptor(codec: .packed, frame: covering, count: values.count)
        descriptor.encodedByteCount = writePacked(values, frame: covering, at: 0)
        return seal(descriptor)
    }

    private func chooseMethod(_ values: UnsafeBufferPointer<UInt64>, covering: Frame) -> Method {
        let count = values.count
        sample.draw(values, frame: covering)
        let distinctShare = Double(sample.distinctCount) / Double(min(count, 256))
        let framed = sample.choose(covering: covering, total: count)
        var least = framed.bitCount
        var method = Method.framed(framed)
        if count >= 3 {
            sample.drawDifferences(values)
            let bits = sample.choose(covering: sample.sampledFrame, total: count - 1).bitCount + 64
            let scaleWidth = BitPacking.width(of: covering.scale) - 1
            let expected = bits - Double(min(scaleWidth, sample.sampledFrame.width) * count)
            if expected < least { (least, method) = (expected, .differences) }
        }
        let whole = Frame(reference: covering.reference, scale: covering.scale, width: (covering.width + 7) / 8 * 8)
        let compressed = 1.1 * compressedShare(values, frame: whole) * Double(count * whole.width)
        if compressed < least { (least, method) = (compressed, .wholeBytes(whole)) }
        guard distinctShare < (covering.width <= 16 ? 0.9 : 0.75), alphabet.collect(values, frame: covering) else {
            return method
        }
        let indexWidth = BitPacking.width(of: UInt64(alphabet.count - 1))
        let tableBits = Double(640 + alphabet.count * 4)
        let indexed = Double(indexWidth * count) + tableBits
        let coded = alphabet.entropyBitCount * 1.005 + 2 * tableBits + 128
        if coded < 0.97 * min(least, indexed) { return .rangeCoded }
        return indexed < 0.97 * least ? .dictionary : method
    }

    /// What LZ4 leaves of 512 neighbouring values at whole bytes each, as a share.
    private func compressedShare(_ values: UnsafeBufferPointer<UInt64>, frame: Frame) -> Double {
        let count = min(values.count, 512)
        let middle = UnsafeBufferPointer(rebasing: values[(values.count - count) / 2..<(values.count + count) / 2])
        let end = writePacked(middle, frame: frame, at: 0)
        let compressed = compressor.compress(UnsafeRawBufferPointer(start: staging, count: end))
        return compressed.map { Double($0.count) / Double(end) } ?? 1
    }

    private func write(
        _ values: UnsafeBufferPointer<UInt64>, by method: Method, covering: Frame, descriptor: inout ColumnDescriptor
    ) {
        switch method {
        case .framed(let choice):
            writeFramed(values, choice: choice, at: 0, descriptor: &descriptor)
        case .wholeBytes(let frame):
            descriptor = ColumnDescriptor(codec: .packed, frame: frame, count: values.count)
            descriptor.encodedByteCount = writePacked(values, frame: frame, at: 0)
        case .differences:
            for index in 1..<values.count { differences[index - 1] = difference(values[index], values[index - 1]) }
            let column = UnsafeBufferPointer(start: differences, count: values.count - 1)
            let covering = Frame(covering: column)
            sample.draw(column, frame: covering)
            let choice = sample.choose(covering: covering, total: column.count)
            descriptor = ColumnDescriptor(codec: .packed, frame: covering, count: values.count)
            descriptor.isDifferenced = true
            staging.storeBytes(of: values[0], as: UInt64.self)
            writeFramed(column, choice: choice, at: 8, descriptor: &descriptor)
        case .dictionary:
            let distinct = UnsafeBufferPointer(start: alphabet.values, count: alphabet.count)
            let width = BitPacking.width(of: UInt64(alphabet.count - 1))
            let indices = Frame(reference: 0, scale: 1, width: width)
            descriptor = ColumnDescriptor(codec: .dictionary, frame: indices, count: values.count)
            descriptor.entryCount = alphabet.count
            let end = writeInner(distinct, at: 0)
            let symbols = alphabet.index(values)
            for index in 0..<symbols.count { differences[index] = UInt64(symbols[index]) }
            let column = UnsafeBufferPointer(start: differences, count: values.count)
            descriptor.encodedByteCount = writePacked(column, frame: indices, at: end)
        case .rangeCoded:
            writeRangeCoded(values, descriptor: &descriptor)
        }
    }

    private func writeFramed(
        _ values: UnsafeBufferPointer<UInt64>, choice: ColumnSample.Choice, at offset: Int,
        descriptor: inout ColumnDescriptor
    ) {
        let frame = choice.frame
        (descriptor.reference, descriptor.scale, descriptor.width) = (frame.reference, frame.scale, frame.width)
        guard choice.isPatched else {
            descriptor.codec = frame.width == 0 ? .constant : .packed
            descriptor.encodedByteCount = writePacked(values, frame: frame, at: offset)
            return
        }
        let kept = keepApart(values, frame: frame)
        descriptor.codec = kept == 0 ? .packed : .patched
        descriptor.entryCount = kept
        guard kept <= values.count / 2 else {
            descriptor.encodedByteCount = .max
            return
        }
        var end = writePacked(values, frame: frame, at: offset)
        if kept > 0 {
            end = writeInner(UnsafeBufferPointer(start: entryPlaces, count: kept), at: end)
            end = writeInner(UnsafeBufferPointer(start: entryValues, count: kept), at: end)
        }
        descriptor.encodedByteCount = end
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
        let symbols = alphabet.index(values)
        let precision = RangeCoder.precision(alphabetCount: alphabet.count)
        let frequencies = UnsafeMutableBufferPointer(start: alphabet.counts, count: alphabet.count)
        RangeCoder.normalise(frequencies, total: values.count, precision: precision)
        var start: UInt32 = 0
        for (number, frequency) in frequencies.enumerated() {
            symbolTable[number] = .init(start: start, frequency: UInt32(frequency), precision: precision)
            start += UInt32(frequency)
        }
        var end = writeInner(UnsafeBufferPointer(start: alphabet.values, count: alphabet.count), at: 0)
        end = writeInner(UnsafeBufferPointer(frequencies), at: end)
        let wordsEnd = words + wordByteCount
        let byteCount = RangeCoder.encode(symbols, table: symbolTable, end: wordsEnd)
        (staging + end).copyMemory(from: wordsEnd - byteCount, byteCount: byteCount)
        let whole = Frame(reference: 0, scale: 1, width: 0)
        descriptor = ColumnDescriptor(codec: .rangeCoded, frame: whole, count: values.count)
        descriptor.entryCount = alphabet.count
        descriptor.encodedByteCount = end + byteCount
    }

    /// Returns the offset of the first byte behind the packed values.
    private func writePacked(_ values: UnsafeBufferPointer<UInt64>, frame: Frame, at offset: Int) -> Int {
        BitPacking.pack(values, frame: frame, to: staging + offset)
        return offset + BitPacking.byteCount(count: values.count, width: frame.width)
    }

    /// Writes an ascending or short inner column with its descriptor: packed, as values or as differences.
    private func writeInner(_ values: UnsafeBufferPointer<UInt64>, at offset: Int) -> Int {
        let covering = Frame(covering: values)
        var descriptor = ColumnDescriptor(codec: .packed, frame: covering, count: values.count)
        var frame = covering
        var column = values
        let bodyOffset = offset + ColumnDescriptor.byteCount
        if values.count >= 2 {
            for index in 1..<values.count { differences[index - 1] = difference(values[index], values[index - 1]) }
            let steps = UnsafeBufferPointer(start: differences, count: values.count - 1)
            let stepFrame = Frame(covering: steps)
            let stepByteCount = 8 + BitPacking.byteCount(count: steps.count, width: stepFrame.width)
            if stepByteCount < BitPacking.byteCount(count: values.count, width: covering.width) {
                (frame, column) = (stepFrame, steps)
                descriptor = ColumnDescriptor(codec: .packed, frame: stepFrame, count: values.count)
                descriptor.isDifferenced = true
                (staging + bodyOffset).storeBytes(of: values[0], as: UInt64.self)
            }
        }
        descriptor.codec = frame.width == 0 ? .constant : .packed
        let end = writePacked(column, frame: frame, at: bodyOffset + (descriptor.isDifferenced ? 8 : 0))
        descriptor.encodedByteCount = end - bodyOffset
        descriptor.storedByteCount = descriptor.encodedByteCount
        descriptor.checksum = crc32c(
            of: UnsafeRawBufferPointer(start: staging + bodyOffset, count: descriptor.storedByteCount))
        descriptor.write(to: staging + offset)
        return end
    }

    /// Puts LZ4's form in place of the bytes in `staging` where that pays, and completes the descriptor.
    private func seal(_ descriptor: ColumnDescriptor) -> Encoded {
        var descriptor = descriptor
        let plain = UnsafeRawBufferPointer(start: staging, count: descriptor.encodedByteCount)
        let compressed = descriptor.codec == .rangeCoded ? nil : compressor.compress(plain)
        let bytes = compressed ?? plain
        descriptor.isCompressed = compressed != nil
        descriptor.storedByteCount = bytes.count
        descriptor.checksum = crc32c(of: bytes)
        return Encoded(descriptor: descriptor, bytes: bytes)
    }
}
