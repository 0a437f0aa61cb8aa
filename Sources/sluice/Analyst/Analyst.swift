import Analysis
import Foundation
import Presentation
import Rollups
import Service
import Transactions

/// Someone with questions, before an opened ledger: names become codes, answers become sheets, and sheets are shown.
struct Analyst {
    let access: LedgerAccess
    let options: QuestionOptions

    /// Opens the ledger of the options for `work`.
    static func with(_ options: QuestionOptions, _ work: (Analyst) async throws -> Void) async throws {
        try await reportingErrors {
            try await LedgerAccess.with(options.data) { try await work(Analyst(access: $0, options: options)) }
        }
    }

    /// What is asked, with the codes of the names in it.
    func inquiry(_ text: QuestionText) async throws -> Inquiry {
        do {
            var inquiry = try await access.inquiry(text)
            inquiry.asOf = try await options.asOf?.sequence(access)
            return inquiry
        } catch let fault as QuestionText.Fault {
            throw UsageError(
                [.whole, .by, .measures].contains(fault.part)
                    ? "\(fault)" : "--\(fault.part.rawValue.replacing("_", with: "-")) \(fault)")
        }
    }

    /// The answers to an inquiry's questions, made into figures.
    /// - Parameter words: what the rows stand for, where attributes may be among them.
    func sheet(_ inquiry: Inquiry, by words: [String] = []) async throws -> Sheet {
        inquiry.sheet(try await answers(inquiry.questions, by: words))
    }

    /// The answers to questions, of the events that the options' conditions let pass.
    /// - Parameter words: what the rows stand for, where attributes may be among them.
    func answers(_ questions: [Question], by words: [String] = []) async throws -> [Answer] {
        try await access.answers(
            to: questions, of: options.text(by: words, measures: []), despiteDamage: options.damage.despiteDamage)
    }

    /// The last business day that has any event the question covers; nil where there is none.
    func lastDay(_ question: Question) async throws -> CalendarDay? {
        var question = question
        (question.by, question.measures) = ([.day], [.attempts])
        return try await answers([question])[0].rows.last.map {
            CalendarDay(daysSince1970: Int32(bitPattern: $0.codes[0]))
        }
    }

    /// Writes a sheet as the options say.
    /// - Parameters:
    ///   - note: a sentence that belongs below a table.
    ///   - milliseconds: how long further answers took, where that was asked.
    func show(_ sheet: Sheet, note: String? = nil, milliseconds: [Double] = []) async throws {
        let names = try await names(of: sheet)
        switch options.plot {
        case .terminal: try emit(Presentation.plot(sheet, width: terminalWidth() ?? 80, names: names))
        case .file(let path):
            do {
                try Data(picture(of: sheet, names: names).utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
            } catch {
                throw InputOutputError("\(path): \(reason(of: error))")
            }
            complain("drew \(path)")
        case nil:
            var report = Report(sheet, names: names)
            report.milliseconds = milliseconds
            try emit(report.rendered(as: options.format, width: terminalWidth()))
            if let note, options.format == .table { try emit(note + "\n") }
        }
        complain(of: sheet.damage)
        if options.plot != nil && sheet.rows.isEmpty { complain("no matching events") }
        if options.plot != nil || options.format == .csv || options.format == .ndjson {
            complain("as of sequence \(formatCount(sheet.sequence))")
        }
    }

    /// The names that a sheet shows.
    func names(of sheet: Sheet) async throws -> NameLookup {
        guard !options.codes else { return { "\($1)" } }
        var book = NameBook()
        for (place, dimension) in sheet.dimensions.enumerated() {
            guard let space = dimension.nameSpace, sheet.attributes[dimension] == nil else { continue }
            try await book.fetch(Set(sheet.rows.map { $0.codes[place] }), space, from: access)
        }
        var shown: [NameSpace: Set<UInt32>] = [:]
        for case .name(let dimension, let code) in sheet.rows.lazy.flatMap(\.values) {
            if let space = dimension.nameSpace { shown[space, default: []].insert(code) }
        }
        for (space, codes) in shown { try await book.fetch(codes, space, from: access) }
        return { [book] in book.name($0, $1) }
    }
}
