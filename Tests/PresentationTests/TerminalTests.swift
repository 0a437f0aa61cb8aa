import Rollups
import Testing
import Transactions

@testable import Presentation

@Suite struct TerminalTests {
    @Test func widths() {
        #expect(displayWidth("Đà Nẵng") == 7)
        #expect(displayWidth("Đa\u{300} Na\u{306}\u{303}ng") == 7)
        #expect(displayWidth("東京") == 4)
        #expect(displayWidth("한국") == 4)
        #expect(displayWidth("👍") == 2)
        #expect(displayWidth("👩‍👧") == 2)
        #expect(displayWidth("\u{200B}") == 0)
        #expect(displayWidth("ᄀ") == 2)
    }

    @Test func nothingMovesTheCursor() {
        #expect(harmless("a\u{1B}[2Jb\r\n\u{7}") == #"a\u{1B}[2Jb\u{D}\u{A}\u{7}"#)
        #expect(harmless("\u{202E}abc\u{2028}") == #"\u{202E}abc\u{2028}"#)
        #expect(harmless("\u{9B}31m") == #"\u{9B}31m"#)
        #expect(harmless("Đà Nẵng 東京") == "Đà Nẵng 東京")
    }

    @Test func textIsFitted() {
        #expect(fitted("Đà Nẵng", to: 7) == "Đà Nẵng")
        #expect(fitted("Đà Nẵng", to: 6) == "Đà Nẵ…")
        #expect(fitted("東京都", to: 4) == "東…")
    }

    @Test func quantities() {
        #expect(formatCount(0) == "0")
        #expect(formatCount(-1_234_567) == "-1,234,567")
        #expect(formatCount(Int128.max).hasPrefix("170,141,183,"))
        #expect(formatRate(26_000_000, seconds: 5.2) == "5.00 M/s")
        #expect(formatRate(999, seconds: 1) == "999 /s")
        #expect(formatRate(12_345, seconds: 1) == "12.3 k/s")
        #expect(formatRate(1, seconds: 0) == "-")
        #expect(formatBytes(1023) == "1023 B")
        #expect(formatBytes(1_503_238_553) == "1.40 GiB")
        #expect(formatBytes(1 << 20) == "1.00 MiB")
        #expect(groupedThousands("-1234567.8901") == "-1,234,567.8901")
    }

    @Test func barsOfEighths() {
        #expect(bar(100, of: 100, width: 4) == "████")
        #expect(bar(50, of: 100, width: 4) == "██")
        #expect(bar(1, of: 32, width: 4) == "▏")
        #expect(bar(31, of: 32, width: 4) == "███▉")
        #expect(bar(0, of: 100, width: 4).isEmpty)
        #expect(bar(Int128.max, of: Int128.max, width: 3) == "███")
    }

    @Test func plotsFitTheWidth() {
        let days: [UInt32] = [20_000, 20_001, 20_002]
        let rows = zip(days, [200, 100, 0]).map { Answer.Row(codes: [$0, 704], values: [Int128($1)]) }
        let answer = Answer(dimensions: [.day, .currency], measures: [.amount], rows: rows, sequence: 1)
        let lines = plot(sheet(answer), width: 60) { _, _ in nil }.split(separator: "\n").map(String.init)
        let bars = String(repeating: "█", count: 41)
        #expect(lines[0] == "amount")
        #expect(lines[1] == "2024-10-04 VND \(bars) 200")
        #expect(lines[2] == "2024-10-05 VND \(bars.prefix(20))▌" + String(repeating: " ", count: 20) + " 100")
        #expect(lines[3] == "2024-10-06 VND " + String(repeating: " ", count: 41) + "   0")
        #expect(lines.dropFirst().allSatisfy { displayWidth($0) == 60 })
        #expect(
            plot(sheet(Answer(dimensions: [], measures: [.amount], rows: [], sequence: 1)), width: 60) { _, _ in nil }
                .isEmpty)
    }

    @Test func currenciesAreScaledApart() {
        let rows = [(414, 10), (704, 1_000_000)].map { Answer.Row(codes: [UInt32($0.0)], values: [Int128($0.1)]) }
        let answer = Answer(dimensions: [.currency], measures: [.amount], rows: rows, sequence: 1)
        let lines = plot(sheet(answer), width: 50) { _, _ in nil }.split(separator: "\n")
        #expect(lines[1].count { $0 == "█" } == lines[2].count { $0 == "█" })
    }

    @Test func progressIsThrottledAndErased() {
        var written: [String] = []
        var now = ContinuousClock.now
        let line = ProgressLine(width: 10, write: { written.append($0) }, clock: { now })
        line.show("1 of 3")
        line.show("2 of 3")
        now += .milliseconds(150)
        line.show("3 of 3, which is all")
        line.finish()
        line.finish()
        #expect(written == ["\r\u{1B}[K1 of 3", "\r\u{1B}[K3 of 3, …", "\r\u{1B}[K"])
    }

    @Test func progressIsSilentWithoutATerminal() {
        let line = ProgressLine(width: 80, write: nil, clock: { ContinuousClock.now })
        var isMade = false
        func text() -> String {
            isMade = true
            return "1"
        }
        line.show(text())
        line.finish()
        #expect(!isMade)
    }
}
