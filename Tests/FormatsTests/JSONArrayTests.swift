import Formats
import Foundation
import Testing

@Suite struct JSONArrayTests {
    private func lines(_ text: String, pieceByteCount: Int = .max) throws -> [String] {
        var splitter = JSONArraySplitter()
        var lines: [UInt8] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: min(pieceByteCount, bytes.count)) {
            let end = pieceByteCount < bytes.count ? min(start + pieceByteCount, bytes.count) : bytes.count
            lines += try bytes[start..<end].withUnsafeBytes { try splitter.split($0) }
        }
        try splitter.finish()
        return String(decoding: lines, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast().map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test func anElementBecomesALineHoweverTheBytesCome() throws {
        let text = """
             [ {"a": "],[{\\"}", "b": [1, {"c": 2}]},
            {"d":
              "é"} , 5,"x,]",[[]] , null ]\u{20}

            """
        let expected = [
            #"{"a": "],[{\"}", "b": [1, {"c": 2}]}"#, #"{"d":   "é"}"#, "5", #""x,]""#, "[[]]", "null",
        ]
        for pieceByteCount in 1...text.utf8.count {
            #expect(try lines(text, pieceByteCount: pieceByteCount) == expected)
        }
        #expect(try lines("[]").isEmpty && lines(" [ \n ] ").isEmpty)
    }

    @Test func aByteOrderMarkBeforeTheArrayIsPassedOver() throws {
        for pieceByteCount in [1, 2, .max] {
            #expect(try lines("\u{FEFF}[1]", pieceByteCount: pieceByteCount) == ["1"])
            #expect(try lines("\u{FEFF} \n[1]", pieceByteCount: pieceByteCount) == ["1"])
        }
        var cut = JSONArraySplitter()
        #expect(throws: FormatError.self) { try [0xEF, 0xBB, 0x5B].withUnsafeBytes { try cut.split($0) } }
    }

    @Test(arguments: [
        ("{}", "no '['"), (" \u{FEFF}[1]", "no '['"), ("\u{FEFF}\u{FEFF}[1]", "no '['"),
        ("[1,,2]", "item 2: found nothing before ','"), ("[1,]", "item 2: found nothing before ']'"),
        ("[,]", "item 1"), ("[1] 2", "more behind"), ("[1", "the end of the body"), ("[\"a\nb\"]", "a line break"),
        ("[{\"a\": [1}", "the end of the body"),
    ])
    func whatLiesBetweenTheElementsIsChecked(text: String, message: String) {
        #expect { try lines(text) } throws: { "\($0)".contains(message) }
    }
}
