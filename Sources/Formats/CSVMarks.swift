import CPlatform

/// Splits rows without quotes into fields, finding separators, line feeds and quotes 64 bytes at a time.
///
/// The bytes must have the slack of a `FieldText` behind them.
struct CSVMarks {
    private let separator: UInt8
    private let end: UnsafePointer<UInt8>
    private var block: UnsafePointer<UInt8>
    /// The marks of the block that were not taken yet.
    private var marks: UInt64
    /// Behind the line feed of the row that was split last.
    private(set) var rowEnd: UnsafePointer<UInt8>

    init(_ start: UnsafePointer<UInt8>, count: Int, separator: UInt8) {
        self.separator = separator
        end = start + count
        rowEnd = start
        block = start - 64
        marks = 0
    }

    /// Splits the row that begins where the last one ended.
    /// - Parameter texts: takes the fields; more than it has room for are counted only.
    /// - Returns: how many fields the row has; nil when it has a quote, or no end within the bytes.
    @inline(__always)
    mutating func splitRow(
        from row: UnsafePointer<UInt8>, into texts: UnsafeMutableBufferPointer<FieldText>
    ) -> Int? {
        var fieldStart = row
        var count = 0
        while let mark = next() {
            let byte = mark.pointee
            var fieldEnd = mark
            if byte != separator {
                guard byte == UInt8(ascii: "\n") else { return nil }
                if mark > fieldStart, mark[-1] == UInt8(ascii: "\r") { fieldEnd = mark - 1 }
            }
            if count < texts.count {
                texts[count].start = fieldStart
                texts[count].count = fieldEnd - fieldStart
            }
            count += 1
            fieldStart = mark + 1
            if byte == UInt8(ascii: "\n") {
                rowEnd = fieldStart
                return count
            }
        }
        return nil
    }

    @inline(__always)
    private mutating func next() -> UnsafePointer<UInt8>? {
        while marks == 0 {
            block += 64
            guard block < end else { return nil }
            marks = sluice_csv_marks(block, separator)
            if end - block < 64 { marks &= .max &>> UInt64(64 - (end - block)) }
        }
        let mark = block + marks.trailingZeroBitCount
        marks &= marks &- 1
        return mark
    }
}
