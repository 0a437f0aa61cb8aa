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

    @Test func theLimitOnNewNamesRejectsRows() throws {
        let text = header + row("A", payee: "x") + row("B", payee: "y") + row("C", payee: "z") + row("D", payee: "x")
        let loading = try Loading(text + row("E", payee: "z"), newNames: 2)
        #expect(loading.records.map(\.id.description) == ["A", "B", "D"])
        #expect(loading.rows == [2, 3, 5])
        let message = "\"z\" would be new, and the limit of 2 new names of this kind is reached"
        #expect(loading.rejects.map(\.description) == ["row 4: payee: \(message)", "row 6: payee: \(message)"])
    }

    @Test func aRefusedNameIsNotAskedForAgain() throws {
        var reader = try RowReader(.csv)
        var first = try read(&reader, header + row("A", payee: "x"))
        reader.supply(codes: [.refused("is refused")], to: &first)
        #expect(first.records.isEmpty)
        let second = try read(&reader, row("B", payee: "x"))
        #expect(second.isComplete)
        #expect(second.rejects.map(\.description) == ["row 3: payee: \"x\" is refused"])
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
        Array("4111111111111111".utf8).withUnsafeBytes { accounts.append($0) }
        var dumped = ""
        dump(accounts, to: &dumped)
        for text in ["\(accounts)", String(reflecting: accounts), dumped] { #expect(!text.contains("4111")) }
        #expect(accounts.withBytes(at: 0) { String(decoding: $0, as: UTF8.self) } == "4111111111111111")
    }
}
