import Foundation
import Testing

@testable import Presentation

@Suite struct ChartTests {
    private func axis(_ scale: Chart.Scale, _ values: [Double]) -> AxisScale {
        AxisScale(scale, values, from: 100, to: 500)
    }

    @Test func aLinearAxisBeginsAtZeroAndHasRoundSteps() {
        let axis = axis(.linear, [3, 47])
        #expect(axis.ticks == [0, 10, 20, 30, 40, 50])
        #expect(axis.place(of: 0) == 100)
        #expect(axis.place(of: 25) == 300)
        #expect(axis.place(of: 50) == 500)
        #expect(self.axis(.linear, [50]).ticks.last == 50)
        #expect(self.axis(.linear, [0]).place(of: 0) == 100)
    }

    @Test func bytesGoByPowersOfTwoAndASpanEndsWithItsLastValue() {
        #expect(axis(.bytes, [900]).ticks == [0, 256, 512, 768, 1024])
        let span = axis(.span, [0.3, 4.1])
        #expect(span.ticks == [0, 1, 2, 3, 4])
        #expect(span.place(of: 4.1) == 500)
    }

    @Test func aLogarithmicAxisGoesByRoundFactors() {
        let axis = axis(.logarithmic, [0.5, 80])
        #expect(axis.ticks == [0.5, 1, 2, 5, 10, 20, 50, 100])
        #expect(axis.place(of: 0.5) == 100)
        #expect(axis.place(of: 100) == 500)
        #expect(self.axis(.logarithmic, [0.02, 3000]).ticks == [0.1, 1, 10, 100, 1000])
        #expect(self.axis(.logarithmic, [10]).ticks == [10, 20])
    }

    @Test func ninesAreEquallyFarFromEachOther() {
        let axis = axis(.percentile, [0, 99.95])
        #expect(axis.ticks.map { String(format: "%.7g", $0) } == ["50", "90", "99", "99.9", "99.99"])
        let places = [0, 90, 99, 99.9, 99.99].map(axis.place(of:))
        #expect(zip(places, [100, 200, 300, 400, 500]).allSatisfy { abs($0 - $1) < 0.01 })
    }

    @Test func picturesAreWellFormed() throws {
        let number: @Sendable (Double) -> String = { String(format: "%g", $0) }
        let chart = Chart(
            "a < b & \"c\"", x: .init("x", format: number), y: .init("y", .logarithmic, format: number),
            lines: [.init("<one>", [(1, 1), (2, 10)]), .init("none", []), .init("two", [(1, 2), (2, 10)])])
        let bars = BarChart("bars", [("<a>", 2, "2"), ("b", 0, "0")])
        var page = Page("title", summary: "a & b")
        page.addFigures([("rate", "1 M/s")])
        page.addPicture("picture", note: "note", svg: chart.svg())
        page.addPicture(
            "nothing", note: "note",
            svg: Chart("", x: .init("", format: number), y: .init("", format: number), lines: []).svg())
        page.addTable("table", header: ["a", "b"], rows: [["<", "1"]])
        #expect(chart.svg().components(separatedBy: "<polyline").count == 3)
        #expect(bars.svg().components(separatedBy: "<rect").count == 3)
        for picture in [chart.svg(), bars.svg()] {
            #expect(openTags(picture).isEmpty)
        }
        #expect(!page.html().contains("nothing"))
        // What a page may not need: anything from elsewhere.
        #expect(!page.html().contains("http") && !page.html().contains("src="))
    }

    /// The tags that are not closed in their order.
    private func openTags(_ xml: String) -> [String] {
        var open: [String] = []
        for tag in xml.matches(of: /<(\/?)([a-z]+)(?:"[^"]*"|[^">])*?(\/?)>/) {
            if tag.1.isEmpty && tag.3.isEmpty {
                open.append(String(tag.2))
            } else if !tag.1.isEmpty {
                guard open.popLast() == String(tag.2) else { return ["/\(tag.2)"] }
            }
        }
        return open
    }
}
