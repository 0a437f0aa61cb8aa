import Analysis
import Foundation
import Rollups
import Testing
import Transactions

@testable import Presentation

@Suite struct ReportTests {
    private static let decomposed = "Đa\u{300} Na\u{306}\u{303}ng"
    private static let names: [UInt32: String] = [
        1: "Đà Nẵng", 2: decomposed, 3: "東京", 4: "Huế\u{1B}[31m", 5: "a, \"b\"",
    ]

    private func report(_ codes: [UInt32] = [1, 2, 3, 4, 5, 77, 0]) -> Report {
        let rows = codes.map { code in
            Answer.Row(
                codes: [code, 826], values: [Int128(code) * 1000, Int128(code) * 1_234_567, code == 0 ? nil : 5])
        }
        let answer = Answer(
            dimensions: [.region, .currency], measures: [.settled, .amount, .smallestAmount], rows: rows, sequence: 4242
        )
        return Report(sheet(answer)) { space, code in
            #expect(space == .region)
            return ReportTests.names[code]
        }
    }

    @Test func tablesLineUp() {
        let lines = report().rendered(as: .table).split(separator: "\n").map(String.init)
        #expect(lines.count == 10)
        #expect(lines.dropLast().allSatisfy { displayWidth($0) == displayWidth(lines[0]) })
        #expect(lines[0] == "region         currency  settled      amount  smallest_amount")
        #expect(lines[1].allSatisfy { $0 == "─" || $0 == " " })
        #expect(lines[2] == "Đà Nẵng        GBP         1,000   12,345.67             0.05")
        #expect(lines[3] == ReportTests.decomposed + "        GBP         2,000   24,691.34             0.05")
        #expect(lines[4] == "東京           GBP         3,000   37,037.01             0.05")
        #expect(lines[5] == #"Huế\u{1B}[31m  GBP         4,000   49,382.68             0.05"#)
        #expect(lines[7] == "77             GBP        77,000  950,616.59             0.05")
        #expect(lines[8] == "none           GBP             0        0.00                -")
        #expect(lines[9] == "7 rows, as of sequence 4,242")
    }

    /// Headings that make a table too wide are broken; where nobody looks they are not.
    @Test func headingsFitTheTerminal() {
        let lines = report([1, 3]).rendered(as: .table, width: 50).split(separator: "\n").map(String.init)
        #expect(lines[0].hasSuffix("smallest_"))
        #expect(lines[1] == "region   currency  settled     amount     amount")
        #expect(lines[3] == "Đà Nẵng  GBP         1,000  12,345.67       0.05")
        let blocks = report([1, 3]).rendered(as: .table, width: 36).split(
            separator: "\n", omittingEmptySubsequences: false)
        #expect(blocks[0] == "region           Đà Nẵng")
        #expect(blocks[3] == "amount           12,345.67")
        #expect(blocks[5].isEmpty && blocks.count == 14)
        #expect(report([1, 3]).rendered(as: .table, width: 80) == report([1, 3]).rendered(as: .table))
    }

    @Test func commaSeparatedValues() {
        let lines = report([4, 5, 0]).rendered(as: .csv).components(separatedBy: "\r\n")
        #expect(
            lines == [
                "region,currency,settled,amount,smallest_amount", "Huế\u{1B}[31m,GBP,4000,49382.68,0.05",
                "\"a, \"\"b\"\"\",GBP,5000,61728.35,0.05", "none,GBP,0,0.00,", "",
            ])
    }

    @Test func jsonKeepsEveryDigit() throws {
        let text = report([1, 4, 5, 0]).rendered(as: .json)
        let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(document["sequence"] as? Int == 4242)
        let rows = try #require(document["rows"] as? [[String: Any]])
        #expect(rows.map { $0["region"] as? String } == ["Đà Nẵng", "Huế\u{1B}[31m", "a, \"b\"", "none"])
        #expect(rows.map { $0["amount"] as? String } == ["12345.67", "49382.68", "61728.35", "0.00"])
        #expect(rows.map { $0["settled"] as? Int } == [1000, 4000, 5000, 0])
        #expect(rows[3]["smallest_amount"] is NSNull)
    }

    @Test func linesOfJSON() throws {
        let lines = report([1, 3]).rendered(as: .ndjson).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(
            lines[1]
                == #"{"region": "東京", "currency": "GBP", "settled": 3000, "amount": "37037.01", "smallest_amount": "0.05"}"#
        )
    }

    @Test func markdown() {
        let lines = report([1, 4, 5, 0]).rendered(as: .markdown).split(separator: "\n")
        #expect(
            lines == [
                "| region | currency | settled | amount | smallest_amount |", "| --- | --- | ---: | ---: | ---: |",
                "| Đà Nẵng | GBP | 1000 | 12345.67 | 0.05 |", #"| Huế\\u{1B}\[31m | GBP | 4000 | 49382.68 | 0.05 |"#,
                "| a, \"b\" | GBP | 5000 | 61728.35 | 0.05 |", "| none | GBP | 0 | 0.00 |  |",
            ])
        let odd = Report(
            columns: [.init("a", isNumeric: false)], rows: [[.text("x|y *_z_* <b> insufficient_funds")]])
        #expect(odd.rendered(as: .markdown).hasSuffix("| x\\|y \\*\\_z_\\* &lt;b\\> insufficient_funds |\n"))
    }

    @Test func nothingFound() {
        let empty = report([])
        #expect(empty.rendered(as: .table) == "no matching events, as of sequence 4,242\n")
        #expect(empty.rendered(as: .csv) == "region,currency,settled,amount,smallest_amount\r\n")
        #expect(empty.rendered(as: .json) == "{\"sequence\": 4242, \"rows\": []}\n")
        #expect(empty.rendered(as: .ndjson).isEmpty)
        #expect(empty.rendered(as: .markdown).split(separator: "\n").count == 2)
    }

    @Test func codesInWordsAndBack() {
        let day = CalendarDay("2026-07-01")!
        let words: [(Rollups.Dimension, UInt32, String)] = [
            (.day, Dimension.code(of: day), "2026-07-01"), (.month, Dimension.monthCode(of: day), "2026-07"),
            (.hour, 9, "09"), (.kind, 5, "request"), (.event, 7, "charged_back"), (.currency, 704, "VND"),
            (.channel, 2, "qr"), (.outcome, 0x21, "insufficient_funds"), (.payee, 4_000_000_000, "4000000000"),
            (.payerInstitution, 0, "none"),
        ]
        for (dimension, code, text) in words {
            #expect(dimension.text(of: code) { _, _ in nil } == text)
            #expect(dimension.code(of: text) == code)
        }
        #expect(Dimension.hour.code(of: "24") == nil)
        #expect(Dimension.region.code(of: "65536") == nil)
        #expect(Dimension.currency.code(of: "XYZ") == nil)
    }

    @Test func amountsOfEveryFraction() {
        let rows = [414, 704, 826].map { Answer.Row(codes: [$0], values: [Int128(Int64.max) * 5]) }
        let report = Report(
            sheet(Answer(dimensions: [.currency], measures: [.amount], rows: rows, sequence: 1)), names: { _, _ in nil }
        )
        #expect(
            report.rendered(as: .csv)
                == "currency,amount\r\nKWD,46116860184273879.035\r\nVND,46116860184273879035\r\nGBP,461168601842738790.35\r\n"
        )
    }
}

private typealias Dimension = Rollups.Dimension

/// The measures of an answer as they are.
func sheet(_ answer: Answer) -> Sheet {
    do {
        return try Inquiry(by: answer.dimensions, figures: answer.measures.map(Figure.measure)).sheet([answer])
    } catch {
        preconditionFailure("\(error)")
    }
}
