import Formats
import Foundation

extension FuzzTarget {
    /// A JSON array that is cut into lines.
    static let arrays = FuzzTarget(name: "arrays", largestByteCount: 512, repair: nil, seeds: ArrayRun.seeds) {
        { try ArrayRun.run($0) }
    }
}

private enum ArrayRun {
    static func run(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        let whole = split(bytes, isCut: false)
        let cut = split(bytes, isCut: true)
        try require(whole == cut, "in one piece: \(whole)\nin many: \(cut)")
        if let elements = elements(of: bytes) {
            if case .lines(let text) = whole { try compare(text, elements) }
            // The other reader takes a comma behind the last element; what it writes has none.
            let written = [UInt8](try JSONSerialization.data(withJSONObject: elements))
            guard case .lines(let text) = written.withUnsafeBytes({ split($0, isCut: true) }) else {
                throw BrokenProperty("an array of \(elements.count) elements is not taken")
            }
            try compare(text, elements)
        }
        if case .lines = whole { return true }
        return false
    }

    private static func compare(_ text: [UInt8], _ elements: [NSObject]) throws {
        let lines = text.split(separator: 0x0A)
        try require(lines.count == elements.count, "\(elements.count) elements became \(lines.count) lines")
        for (line, element) in zip(lines, elements) {
            let again = try? JSONSerialization.jsonObject(with: Data(line), options: .fragmentsAllowed) as? NSObject
            try require(again == element, "\(element) became \(again.map { "\($0)" } ?? "nothing")")
        }
    }

    private enum Outcome: Equatable {
        case lines([UInt8])
        case fault(String)
    }

    private static func split(_ bytes: UnsafeRawBufferPointer, isCut: Bool) -> Outcome {
        var splitter = JSONArraySplitter()
        var lines: [UInt8] = []
        do {
            if isCut {
                var pieces = Pieces(of: bytes)
                while try pieces.next({ lines += try splitter.split($0) }) {}
            } else {
                lines = try splitter.split(bytes)
            }
            try splitter.finish()
            return .lines(lines)
        } catch {
            return .fault("\(error)")
        }
    }

    /// The elements as another reader finds them; nil when it finds no array, or might take the bytes for UTF-16.
    private static func elements(of bytes: UnsafeRawBufferPointer) -> [NSObject]? {
        guard !bytes.contains(0), let first = bytes.first, first < 0x80 else { return nil }
        return try? JSONSerialization.jsonObject(with: Data(bytes)) as? [NSObject]
    }

    @Sendable static func seeds() -> [[UInt8]] {
        [
            "[]", " [ 1 , -2.5e3,\ttrue ] ", #"[{"id": "a\"]", "b": [{}, [1, "\\"]]}, "x,]", null]"#,
            "[\n  {\n    \"id\": \"é\"\r\n  },\n  {}\n]\n",
        ].map { Array($0.utf8) }
    }
}
