import Formats
import Transactions

extension FuzzTarget {
    /// A compressed stream: the first byte says of which kind, the rest is the stream.
    static let compressed = FuzzTarget(
        name: "compressed", largestByteCount: 1024, repair: nil, seeds: CompressedRun.seeds
    ) {
        { try CompressedRun.run($0) }
    }
}

private enum CompressedRun {
    private enum Outcome: Equatable {
        case bytes([UInt8])
        case fault
        /// More than is looked at.
        case large
    }

    private static let most = 1 << 20

    static func run(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        guard let kind = bytes.first else { return false }
        let encodings = Decompressor.Encoding.allCases
        let encoding = encodings[Int(kind) % encodings.count]
        let stream = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
        let whole = try expand(stream, encoding, isCut: false)
        let cut = try expand(stream, encoding, isCut: true)
        try require(whole == cut, "in one piece: \(whole)\nin many: \(cut)")
        if case .bytes = whole { return true }
        return false
    }

    private static func expand(
        _ stream: UnsafeRawBufferPointer, _ encoding: Decompressor.Encoding, isCut: Bool
    ) throws -> Outcome {
        let decompressor = Decompressor(encoding)
        var expanded: [UInt8] = []
        func takeAll() throws(FormatError) {
            while expanded.count <= most, let piece = try decompressor.next() { expanded += piece }
        }
        do {
            if isCut {
                var pieces = Pieces(of: stream)
                while expanded.count <= most,
                    try pieces.next({
                        decompressor.add($0)
                        try takeAll()
                    })
                {}
            } else {
                decompressor.add(stream)
                try takeAll()
            }
            if expanded.count > most { return .large }
            try decompressor.finish()
            return .bytes(expanded)
        } catch let error as FormatError {
            try require(error.description.hasPrefix(encoding.rawValue), "\(error) does not say of what")
            return .fault
        }
    }

    @Sendable static func seeds() -> [[UInt8]] {
        [
            "001f8b0800000000000203cb4cd149cccd2fcd2be172d431846300e6e59a4b16000000",
            "001f8b0800000000000003030000000000000000001f8b0800000000000203cb4cd149cccd2fcd2be172d431846300e6e59a4b16000000",
            "0104224d186440a716000000dc69642c616d6f756e740a412c310400500a412c310a000000001382e444",
            "0104224d186440a716000000dc69642c616d6f756e740a412c310400500a412c310a000000001382e44404224d186440a716000000dc69642c616d6f756e740a412c310400500a412c310a000000001382e444",
        ].map { bytes(hexadecimal: $0)! }
    }
}
