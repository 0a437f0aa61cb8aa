import Analysis
import Foundation
import Presentation
import Rollups
import Testing
import Transactions

/// Plots of sheets as pictures that stand alone.
@Suite struct PictureTests {
    private func picture(_ dimension: Rollups.Dimension, _ rows: [(UInt32, Int128)]) -> String {
        let sheet = Sheet(
            dimensions: [dimension], columns: [.init("settled")],
            rows: rows.map { .init(codes: [$0.0], values: [.whole($0.1)]) }, sequence: 1)
        let text = Presentation.picture(of: sheet) { $1 == 7 ? "<Phở & \u{1B}>" : nil }
        #expect(text.hasPrefix("<svg xmlns=") && text.hasSuffix("</svg>\n"))
        return text
    }

    @Test func timesAreLinesAndOneOfThemIsADot() {
        let many = picture(.day, [(20_000, 5), (20_001, -3), (20_002, 9)])
        #expect(many.contains("<polyline") && many.contains(">-5<"))
        let one = picture(.month, [(202607, 4)])
        #expect(!one.contains("<polyline") && one.contains("<circle") && one.contains("2026-07"))
    }

    /// Names cannot be anything but text.
    @Test func othersAreBars() {
        let bars = picture(.payee, [(7, 4), (9, 2)])
        #expect(bars.contains("&lt;Phở &amp; \\u{1B}&gt;"))
        #expect(bars.components(separatedBy: "<rect").count == 3)
    }

    @Test func nothingIsSaid() {
        #expect(picture(.day, []).contains("no matching events"))
    }
}
