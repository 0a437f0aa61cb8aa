import Rollups
import Testing
import Transactions

@testable import Analysis

private typealias Dimension = Rollups.Dimension

/// Figures made of answers that are written out by hand.
@Suite struct InquiryTests {
    private func day(_ text: String) -> UInt32 { Dimension.code(of: CalendarDay(text)!) }

    private func answer(_ question: Question, _ rows: [([UInt32], [Int128?])]) -> Answer {
        Answer(
            dimensions: question.grouping, measures: question.measures,
            rows: rows.map { Answer.Row(codes: $0, values: $1) }, sequence: 9)
    }

    private func names(_ sheet: Sheet) -> [String] { sheet.columns.map(\.name) }

    @Test func ratiosComeFromWholeNumbers() throws {
        let figures: [Figure] = [
            .ratio(.approvedPercent), .ratio(.meanAmount), .measure(.attempts), .ratio(.onTimePercent),
            .ratio(.reversalSuccessPercent), .ratio(.meanDuration),
        ]
        let inquiry = try Inquiry(by: [.region], figures: figures)
        try inquiry.check()
        let question = try #require(inquiry.questions.first)
        #expect(inquiry.questions.count == 1)
        #expect(question.by == [.region, .currency])
        // Each measure once, however many figures need it.
        #expect(
            question.measures == [
                .approved, .attempts, .amount, .settled, .resolved, .pending, .overdue, .reversals, .reversalsFailed,
                .durationMilliseconds, .timed,
            ])
        let sheet = inquiry.sheet([
            answer(
                question,
                [([1, 704], [2, 3, 1000, 3, 1, 1, 1, 1, 2, 7, 2]), ([2, 704], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])])
        ])
        #expect(
            sheet.rows[0].values == [
                .percent(6667), .money(333), .whole(3), .percent(6667), .percent(3333), .whole(4),
            ])
        #expect(sheet.rows[1].values == [.none, .none, .whole(0), .none, .none, .none])
    }

    @Test func fractionsRoundHalvesAwayFromZero() {
        #expect(Fraction(numerator: 1, denominator: 2).rounded() == 1)
        #expect(Fraction(numerator: -1, denominator: 2).rounded() == -1)
        #expect(Fraction(numerator: -4, denominator: 3).rounded() == -1)
        #expect(Fraction(numerator: 1, denominator: 0).rounded() == nil)
        let huge = Int128.max / 2
        #expect(Fraction(numerator: huge, denominator: huge).rounded(times: 10_000) == 10_000)
        #expect(Fraction(numerator: Int128.max, denominator: 1).rounded(times: 2) == nil)
        #expect(
            Fraction(numerator: 1, denominator: 3).minus(Fraction(numerator: 1, denominator: 6))?.rounded(times: 12)
                == 2)
    }

    @Test(arguments: [
        (Comparison.previous, "2026-03-01", "2026-02-28"), (.week, "2026-03-01", "2026-02-22"),
        (.month, "2026-03-31", "2026-02-28"), (.month, "2026-01-15", "2025-12-15"), (.year, "2024-02-29", "2023-02-28"),
        (.year, "2026-07-01", "2025-07-01"),
    ])
    func earlierDays(_ comparison: Comparison, _ day: String, _ earlier: String) {
        #expect(comparison.earlier(CalendarDay(day)!) == CalendarDay(earlier)!)
    }

    /// Days are joined with those a week before; a region that has stopped is there with nothing, and days to come are not.
    @Test func daysBesideThoseAWeekBefore() throws {
        var inquiry = try Inquiry(
            from: CalendarDay("2026-03-08"), to: CalendarDay("2026-03-09"), by: [.day, .region],
            figures: [.measure(.settled), .ratio(.approvedPercent)])
        inquiry.comparison = .week
        try inquiry.check()
        let questions = inquiry.questions
        #expect(questions[1].from == CalendarDay("2026-03-01") && questions[1].to == CalendarDay("2026-03-02"))
        let sheet = inquiry.sheet([
            answer(questions[0], [([day("2026-03-08"), 1], [130, 90, 100]), ([day("2026-03-09"), 2], [5, 1, 3])]),
            answer(questions[1], [([day("2026-03-01"), 1], [100, 80, 100]), ([day("2026-03-02"), 7], [4, 1, 1])]),
        ])
        #expect(
            names(sheet) == [
                "settled", "settled_before", "settled_change", "settled_growth_percent", "approved_percent",
                "approved_percent_before", "approved_percent_change",
            ])
        #expect(sheet.rows.map(\.codes) == [[day("2026-03-08"), 1], [day("2026-03-09"), 2], [day("2026-03-09"), 7]])
        #expect(
            sheet.rows[0].values == [
                .whole(130), .whole(100), .whole(30), .growth(3000), .percent(9000), .percent(8000), .growth(1000),
            ])
        #expect(
            sheet.rows[1].values == [.whole(5), .whole(0), .whole(5), .none, .percent(3333), .none, .none])
        #expect(
            sheet.rows[2].values == [
                .whole(0), .whole(4), .whole(-4), .growth(-10_000), .none, .percent(10_000), .none,
            ])
    }

    @Test func monthsBesideThoseOfTheYearBefore() throws {
        var inquiry = try Inquiry(
            from: CalendarDay("2026-01-01"), to: CalendarDay("2026-02-28"), by: [.month], figures: [.measure(.amount)])
        inquiry.comparison = .year
        let questions = inquiry.questions
        #expect(questions[1].from == CalendarDay("2025-01-01") && questions[1].to == CalendarDay("2025-02-28"))
        let sheet = inquiry.sheet([
            answer(questions[0], [([202601, 704], [1159]), ([202602, 704], [10])]),
            answer(questions[1], [([202501, 704], [1000]), ([202502, 704], [30])]),
        ])
        #expect(sheet.rows.map { $0.values[3] } == [.growth(1590), .growth(-6667)])
        #expect(sheet.rows[0].values[2] == .money(159))
        // To a month's last day, in a leap year too.
        var leap = try Inquiry(
            from: CalendarDay("2025-02-01"), to: CalendarDay("2025-02-28"), by: [.month], figures: [.measure(.amount)])
        leap.comparison = .year
        #expect(leap.questions[1].to == CalendarDay("2024-02-29"))
        leap.comparison = .week
        #expect(throws: InquiryError.weeksOfMonths) { try leap.check() }
    }

    @Test func wholeSpansBesideTheOneBefore() throws {
        var inquiry = try Inquiry(
            from: CalendarDay("2026-03-11"), to: CalendarDay("2026-03-20"), by: [.source], figures: [.measure(.settled)]
        )
        inquiry.comparison = .previous
        #expect(
            inquiry.questions[1].from == CalendarDay("2026-03-01")
                && inquiry.questions[1].to == CalendarDay("2026-03-10"))
        let sheet = inquiry.sheet([
            answer(inquiry.questions[0], [([1], [3])]), answer(inquiry.questions[1], [([1], [2]), ([4], [9])]),
        ])
        #expect(sheet.rows.map(\.codes) == [[1], [4]])
        #expect(sheet.rows[0].values[3] == .growth(5000))
        // At the beginning of time there is nothing earlier, and no span that ends before it begins.
        for comparison in Comparison.allCases {
            var first = try Inquiry(
                from: CalendarDay("0001-01-15"), to: CalendarDay("0001-02-01"), by: [.day],
                figures: [.measure(.settled)])
            first.comparison = comparison
            #expect(first.questions[1].from! <= first.questions[1].to!)
        }
        var open = try Inquiry(by: [.source], figures: [.measure(.settled)])
        open.comparison = .previous
        #expect(throws: InquiryError.comparisonNeedsSpan) { try open.check() }
    }

    /// Days without a row count as 0; a ratio's mean is that of all of them together.
    @Test func movingAverages() throws {
        var inquiry = try Inquiry(
            from: CalendarDay("2026-03-03"), to: CalendarDay("2026-03-05"), by: [.day],
            figures: [.measure(.attempts), .ratio(.approvedPercent), .measure(.largestAmount)])
        inquiry.averageDays = 3
        try inquiry.check()
        var filtered = try Inquiry(by: [.day], filters: [.month: [202603]], figures: [.measure(.attempts)])
        filtered.averageDays = 3
        #expect(throws: InquiryError.daysByFilter) { try filtered.check() }
        #expect(inquiry.questions[0].from == CalendarDay("2026-03-01"))
        let rows: [([UInt32], [Int128?])] = [
            ([day("2026-03-02"), 704], [9, 3, 7]), ([day("2026-03-04"), 704], [1, 1, 8]),
            ([day("2026-03-05"), 704], [10, 5, 1]),
        ]
        let days = Answer(
            dimensions: [.day], measures: [.attempts], rows: [Answer.Row(codes: [day("2026-03-02")], values: [9])],
            sequence: 9)
        #expect(inquiry.questions[1].from == nil && inquiry.questions[1].by == [.day])
        let sheet = inquiry.sheet([answer(inquiry.questions[0], rows), days])
        #expect(sheet.rows.map { $0.codes[0] } == [day("2026-03-04"), day("2026-03-05")])
        #expect(names(sheet)[1] == "attempts_average_3")
        #expect(sheet.rows.map { $0.values[1] } == [.whole(3), .whole(4)])
        #expect(sheet.rows.map { $0.values[3] } == [.percent(4000), .percent(5455)])
        #expect(sheet.rows.map { $0.values[5] } == [.none, .none])
    }

    @Test func sharesOfTheSameTimeAndCurrency() throws {
        var inquiry = try Inquiry(by: [.day, .region], figures: [.measure(.amount)])
        inquiry.showsShares = true
        let (first, second) = (day("2026-03-01"), day("2026-03-02"))
        let sheet = inquiry.sheet([
            answer(
                inquiry.questions[0],
                [
                    ([first, 1, 704], [1]), ([first, 1, 826], [50]), ([first, 2, 704], [3]), ([second, 1, 704], [0]),
                ])
        ])
        #expect(sheet.rows.map { $0.values[1] } == [.percent(2500), .percent(10_000), .percent(7500), .none])
        // Where rows are nothing but times, of all of them.
        var days = try Inquiry(by: [.day], figures: [.measure(.attempts)])
        days.showsShares = true
        let ofDays = days.sheet([answer(days.questions[0], [([first], [1]), ([second], [4])])])
        #expect(ofDays.rows.map { $0.values[1] } == [.percent(2000), .percent(8000)])
        var noSum = try Inquiry(by: [.day], figures: [.ratio(.approvedPercent)])
        noSum.showsShares = true
        #expect(throws: InquiryError.noShare("approved_percent")) { try noSum.check() }
    }

    @Test func targetsAndDigitalTakeUp() throws {
        var inquiry = try Inquiry(by: [.service], figures: [.digitalPercent])
        inquiry.targets = [.init(.digitalPercent, hundredths: 3000)]
        try inquiry.check()
        let questions = inquiry.questions
        #expect(
            questions[1].filters[.channel]?.contains(5) == true && questions[1].filters[.channel]?.contains(6) == false)
        let sheet = inquiry.sheet([
            answer(questions[0], [([1], [3]), ([2], [10])]), answer(questions[1], [([1], [1])]),
        ])
        #expect(sheet.rows.map(\.values) == [[.percent(3333), .growth(333)], [.percent(0), .growth(-3000)]])
        inquiry.targets.append(.init(.digitalPercent, hundredths: 4000))
        #expect(throws: InquiryError.targetTwice("digital_percent")) { try inquiry.check() }
        inquiry.targets = [.init(.measure(.attempts), hundredths: 1)]
        #expect(throws: InquiryError.noTarget("attempts")) { try inquiry.check() }
    }

    /// What is open at a day's end began on any day before, and days without any event in between change nothing.
    @Test func theBacklogAtTheEndOfDays() throws {
        let inquiry = try Inquiry(from: CalendarDay("2026-03-03"), by: [.day, .region], figures: [.backlog])
        let questions = inquiry.questions
        #expect(questions[1].from == nil)
        let days = ["2026-02-01", "2026-03-03", "2026-03-07"].map(day)
        let sheet = inquiry.sheet([
            answer(questions[0], [([days[1], 1], [2, 5]), ([days[2], 1], [1, 0]), ([days[2], 9], [0, 1])]),
            answer(
                questions[1],
                [
                    ([days[0], 1], [10, 0]), ([days[1], 1], [2, 5]), ([days[2], 1], [1, 0]), ([days[2], 9], [0, 1]),
                ]),
        ])
        #expect(sheet.rows.map(\.values) == [[.whole(7)], [.whole(8)], [.whole(-1)]])
    }

    /// Damage that any of several answers met is told, each once.
    @Test func damageOfEachAnswerIsTold() throws {
        var inquiry = try Inquiry(by: [.day], figures: [.measure(.attempts)])
        inquiry.comparison = .year
        func mark(_ offset: UInt64) -> DamageMark {
            DamageMark(path: "1.log", offset: Int(offset), sequences: nil, days: nil, reason: "x", isLeftOut: true)
        }
        var answers = inquiry.questions.map { answer($0, []) }
        answers[0].damage = [mark(1)]
        answers[1].damage = [mark(1), mark(2)]
        answers[1].sequence = 4
        let sheet = inquiry.sheet(answers)
        #expect(sheet.damage == [mark(1), mark(2)])
        #expect(sheet.sequence == 4)
    }

    @Test func estimatesHaveTheirErrorBesideThem() throws {
        let inquiry = try Inquiry(by: [], figures: [.measure(.durationP99), .measure(.payers)])
        let sheet = inquiry.sheet([answer(inquiry.questions[0], [([], [5000, 12])])])
        #expect(
            names(sheet) == ["duration_p99_milliseconds", "duration_p99_milliseconds_error", "payers", "payers_error"])
        #expect(sheet.rows[0].values == [.estimate(.whole(5000)), .whole(32), .whole(12), .whole(0)])
    }
}

@Suite struct ChangesTests {
    @Test func groupsThatMovedBeforeAndNow() throws {
        let inquiry = try Inquiry(by: [.region], figures: [.measure(.attempts), .measure(.amount)])
        let changes = try Changes(inquiry, since: 17)
        #expect(changes.questions.map(\.after) == [nil, 17])
        func answer(_ rows: [([UInt32], [Int128?])]) -> Answer {
            Answer(
                dimensions: [.region, .currency], measures: [.attempts, .amount],
                rows: rows.map { Answer.Row(codes: $0, values: $1) }, sequence: 20)
        }
        let sheet = changes.sheet([
            answer([([1, 704], [10, 500]), ([2, 704], [4, 40])]), answer([([2, 704], [1, 5]), ([3, 704], [2, 0])]),
        ])
        #expect(sheet.rows.map(\.codes) == [[2, 704], [3, 704]])
        #expect(sheet.rows[0].values == [.whole(3), .whole(1), .whole(4), .money(35), .money(5), .money(40)])
        #expect(sheet.rows[1].values.prefix(3) == [.whole(0), .whole(2), .whole(2)])
        #expect(throws: InquiryError.self) {
            try Changes(Inquiry(by: [.day], figures: [.ratio(.approvedPercent)]), since: 1)
        }
    }
}
