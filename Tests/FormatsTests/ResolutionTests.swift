import Formats
import Testing
import Transactions

@Suite struct ResolutionTests {
    private let header = "id,time,amount,currency,source,payee,payer\n"

    private func row(_ id: String, payee: String = "", payer: String = "") -> String {
        "\(id),2024-05-31,1,GBP,7,\(payee),\(payer)\n"
    }

    private func read(_ reader: inout RowReader, _ text: String) throws -> ParsedBatch {
        try Array(text.utf8).withUnsafeBytes { try reader.read($0, nowMicroseconds: Loading.now) }
    }

    @Test func namesAreAskedForOnce() throws {
        var reader = try RowReader(.csv)
        var first = try read(&reader, header + row("A", payee: "x") + row("B", payee: "y") + row("C", payee: "x"))
        #expect(first.names == [Name(.payee, "x"), Name(.payee, "y")])
        reader.supply(codes: [.code(10), .code(11)], to: &first)
        #expect(first.records.map(\.payee) == [10, 11, 10])
        #expect(first.isComplete)
        let second = try read(&reader, row("D", payee: "y") + row("E", payee: "x"))
        #expect(second.isComplete)
        #expect(second.records.map(\.payee) == [11, 10])
    }

    @Test func aSecondBatchMayBeReadBeforeTheFirstIsResolved() throws {
        var reader = try RowReader(.csv)
        var first = try read(&reader, header + row("A", payee: "x", payer: "111"))
        var second = try read(&reader, row("B", payee: "x", payer: "111") + row("C", payee: "x", payer: "222"))
        #expect(second.names == [Name(.payee, "x")])
        #expect(second.accounts.count == 2)
        reader.supply(tokens: [5, 6], to: &second)
        reader.supply(codes: [.code(10)], to: &second)
        reader.supply(tokens: [5], to: &first)
        reader.supply(codes: [.code(10)], to: &first)
        #expect((first.records + second.records).map(\.payee) == [10, 10, 10])
        #expect((first.records + second.records).map(\.payer) == [5, 5, 6])
    }

    /// Whoever reads with periods asks once for each, and whoever knows none asks for each date.
    @Test func aTokenIsRememberedWithinItsPeriodAlone() throws {
        let key = { (byte: UInt8) in [UInt8](repeating: byte, count: 32) }
        let ring = TokenKeyRing([
            .init(id: "a", firstDay: nil, secret: key(1)),
            .init(id: "b", firstDay: CalendarDay("2024-06-01"), secret: key(2)),
        ])
        func row(_ id: String, _ day: String, _ payer: String) -> String { "\(id),\(day)T23:00:00Z,1,GBP,7,\(payer)\n" }
        let rows = [
            ("A", "2024-05-30", "x"), ("B", "2024-05-31", "x"), ("C", "2024-06-01", "x"), ("D", "2024-06-02", "x"),
            ("E", "2024-05-31", "x"), ("F", "2024-06-01", "x"), ("G", "2024-05-30", "y"),
        ]
        for (periods, asked) in [
            (TokenPeriods.unknown, 5), (TokenPeriods(ring, lastKnownDay: CalendarDay("2024-05-31")!), 4),
            (TokenPeriods(ring, lastKnownDay: CalendarDay("2026-01-01")!), 3),
        ] {
            var reader = try RowReader(.csv, tokenPeriods: periods)
            var (askedCount, records) = (0, [Record]())
            for text in ["id,time,amount,currency,source,payer\n"] + rows.map({ row($0.0, $0.1, $0.2) }) {
                var batch = try read(&reader, text)
                askedCount += batch.accounts.count
                reader.supply(tokens: ring.tokens(of: batch.accounts), to: &batch)
                records += batch.records
            }
            #expect(askedCount == asked)
            for (record, row) in zip(records, rows) {
                var one = AccountNumbers()
                one.append(Array(row.2.utf8), on: CalendarDay(row.1)!)
                #expect(record.payer == ring.tokens(of: one)[0])
            }
            #expect(records[1].payer == records[4].payer && records[1].payer != records[2].payer)
        }
    }

    /// What an account is remembered under in a later period is no account that somebody could send.
    @Test func nobodyPassesForTheKeyOfAnAccount() throws {
        let days = ["2024-05-31", "2024-06-01", "2024-06-02", "2024-06-03"]
        let accounts = ["1", "1\u{0}", "1\u{1}\u{0}\u{0}\u{0}", String(repeating: "1", count: 64)]
        var reader = try RowReader(.ndjson)
        var asked = 0
        for (number, account) in (accounts + accounts).enumerated() {
            for day in days {
                let payer = account.unicodeScalars.map { $0.value < 32 ? "\\u000\($0.value)" : "\($0)" }.joined()
                let json =
                    #"{"id":"\#(number)-\#(day)","time":"\#(day)T00:00:00Z","amount":1,"currency":"GBP","source":"7","payer":"\#(payer)"}"#
                var batch = try read(&reader, json + "\n")
                #expect(batch.rejects.isEmpty)
                asked += batch.accounts.count
                reader.supply(tokens: batch.accounts.indices.map { UInt64(asked * 10 + $0) }, to: &batch)
            }
        }
        #expect(asked == accounts.count * days.count)
    }

    @Test func theLimitOnNewNamesRejectsRows() throws {
        let text = header + row("A", payee: "x") + row("B", payee: "y") + row("C", payee: "z") + row("D", payee: "x")
        let loading = try Loading(text + row("E", payee: "z"), newNames: 2)
        #expect(loading.records.map(\.id.description) == ["A", "B", "D"])
        #expect(loading.rows == [2, 3, 5])
        let message = "\"z\" would be new, and the limit of 2 new names of this kind is reached"
        #expect(loading.rejects.map(\.description) == ["row 4: payee: \(message)", "row 6: payee: \(message)"])
    }

    @Test func aRefusedNameIsAskedForAgain() throws {
        var reader = try RowReader(.csv)
        var first = try read(&reader, header + row("A", payee: "x") + row("B", payee: "x"))
        #expect(first.names == [Name(.payee, "x")])
        reader.supply(codes: [.refused("is refused")], to: &first)
        #expect(first.records.isEmpty && first.rejects.count == 2)
        var second = try read(&reader, row("C", payee: "x"))
        #expect(second.rejects.isEmpty)
        reader.supply(codes: [.refused("is refused still")], to: &second)
        #expect(second.rejects.map(\.description) == ["row 4: payee: \"x\" is refused still"])
        var third = try read(&reader, row("D", payee: "x"))
        reader.supply(codes: [.code(7)], to: &third)
        #expect(third.records.map(\.payee) == [7])
    }

    /// Texts before persons, and these as the mapping names them: whichever of two refused names was met before.
    @Test(arguments: ["bad service,bad region,", "bad service,,bad payee", ",bad region,bad payee"])
    func aRowIsRejectedForTheFirstRefusedNameHoweverItIsCut(row: String) throws {
        var mapping = Mapping()
        mapping.personalPayee = .always
        func rejects(_ lines: [String], in pieces: Int) throws -> [String] {
            var reader = try RowReader(.csv, mapping: mapping)
            var rejects: [String] = []
            let size = (lines.count + pieces - 1) / pieces
            for start in stride(from: 0, to: lines.count, by: size) {
                var batch = try read(&reader, lines[start..<min(start + size, lines.count)].joined())
                reader.supply(tokens: batch.accounts.indices.map { UInt64($0) + 1 }, to: &batch)
                let codes = batch.names.map { $0.space == .source ? NameResolution.code(7) : .refused("is refused") }
                reader.supply(codes: codes, to: &batch)
                rejects += batch.rejects.map(\.description)
            }
            return rejects
        }
        let row = row.split(separator: ",", omittingEmptySubsequences: false)
        let parts = row.indices.filter { !row[$0].isEmpty }.map { place in
            row.indices.map { $0 == place ? row[$0] : "" }.joined(separator: ",")
        }
        let both = row.joined(separator: ",")
        let rows = [parts[1], both, parts[0], both]
        let lines =
            ["id,time,amount,currency,source,service,region,payee\n"]
            + rows.enumerated().map { "\($0),2024-05-31T00:00:00Z,1,GBP,g,\($1)\n" }
        let whole = try rejects(lines, in: 1)
        #expect(whole.count == rows.count)
        for pieces in 2...lines.count { #expect(try rejects(lines, in: pieces) == whole) }
    }

    @Test func aRowWithAFaultLeavesNoNameBehind() throws {
        var reader = try RowReader(.csv)
        let batch = try read(&reader, header + "A,2024-02-30,1,GBP,g,x,111\n")
        #expect(batch.rejects.count == 1)
        #expect(batch.isComplete)
    }

    @Test func accountsBecomeTokens() throws {
        let text =
            header + row("A", payer: "9704 0011") + row("B", payer: " 9704 0011 ") + row("C", payer: "x")
            + row("D", payer: "token:0123456789aB") + row("E")
        let loading = try Loading(text)
        let token = loading.token(of: "9704 0011")
        #expect(loading.records.map(\.payer) == [token, token, loading.token(of: "x"), 0xAB89_6745_2301, 0])
    }

    @Test func personsEnterAsTokens() throws {
        var mapping = Mapping()
        mapping.columns = [
            .id: "id", .time: "t", .amount: "a", .currency: "c", .source: "s", .payee: "payee", .payer: "payer",
        ]
        mapping.personalPayee = .column("type", values: ["person"])
        let text =
            "id,t,a,c,s,payee,payer,type\n"
            + "A,2024-05-31,1,GBP,g,Nguyễn Văn A,1,person\nB,2024-05-31,1,GBP,g,ACME,1,company\n"
            + "C,2024-05-31,1,GBP,g,Nguyễn Văn A,1, person \nD,2024-05-31,1,GBP,g,ACME,1,person\n"
            + "E,2024-05-31,1,GBP,g,token:0123456789ab,1,person\n"
        for pieceByteCount in [20, 1 << 18] {
            let loading = try Loading(text, .csv, mapping, pieceByteCount: pieceByteCount)
            let person = TokenText.text(of: loading.token(of: "Nguyễn Văn A"))
            let acme = TokenText.text(of: loading.token(of: "ACME"))
            #expect(
                loading.records.map(\.payee) == [
                    loading.code(.payee, person), loading.code(.payee, "ACME"), loading.code(.payee, person),
                    loading.code(.payee, acme), loading.code(.payee, "token:0123456789ab"),
                ])
            #expect(loading.code(.payee, "Nguyễn Văn A") == nil)
        }
        mapping.personalPayee = .always
        let all = try Loading("id,t,a,c,s,payee,payer\nA,2024-05-31,1,GBP,g,Nguyễn Văn A,1\n", .csv, mapping)
        #expect(
            all.codes.keys.filter { $0.space == .payee }.map(\.text) == [
                TokenText.text(of: all.token(of: "Nguyễn Văn A"))
            ])
    }

    @Test func noErrorTextShowsAnAccountNumber() throws {
        let card = "4111 1111-1111.1111"
        let text =
            "id,time,amount,currency,source,payer,kind,region\n"
            + "A,\(card),1,GBP,g,\(card),payment,x\nA,2024-05-31,\(card),GBP,g,\(card),payment,x\n"
            + "A,2024-05-31,1,\(card),g,\(card),payment,x\nA,2024-05-31,1,GBP,g,\(card),\(card),x\n"
            + "A,2024-05-31,1,GBP,g,\(card),4111111111111111,x\nA,2024-05-31,1,GBP,g,\(card),a４１１１１１１１１１１１１１１１b,x\n"
            + "A,2024-05-31,1,GBP,g,\(card),\(String(repeating: "y", count: 35))4111111111111111,x\n"
        let loading = try Loading(text)
        #expect(loading.rejects.count == 7)
        for reject in loading.rejects {
            #expect(!reject.description.contains("111"), "\(reject)")
            #expect(!reject.description.contains("１１"), "\(reject)")
        }
        // A column that payers come from is never shown, whatever it is read for besides.
        var mapping = Mapping()
        mapping.columns = [.id: "i", .time: "t", .amount: "a", .currency: "c", .source: "s", .payer: "p", .kind: "p"]
        let shared = try Loading("i,t,a,c,s,p\nA,2024-05-31,1,GBP,g,12345678\n", .csv, mapping)
        #expect(shared.rejects.map(\.message.first) == ["t"])
        #expect(shared.rejects.first?.message.hasPrefix("the value is no known kind") == true)
    }

    @Test func longValuesAreCut() throws {
        let loading = try Loading(header + "A,\(String(repeating: "z", count: 5000)),1,GBP,7,,\n")
        #expect(
            loading.rejects.first?.message.hasPrefix("\"\(String(repeating: "z", count: 40))...\" is not a date")
                == true)
    }

    @Test func accountNumbersDoNotPrintThemselves() {
        var accounts = AccountNumbers()
        accounts.append(Array("4111111111111111".utf8), on: .first)
        var dumped = ""
        dump(accounts, to: &dumped)
        for text in ["\(accounts)", String(reflecting: accounts), dumped] { #expect(!text.contains("4111")) }
        #expect(accounts.withBytes(at: 0) { String(decoding: $0, as: UTF8.self) } == "4111111111111111")
    }
}
