import Chance
import Testing
import Transactions

@Suite struct AccountTokeniserTests {
    private func token(_ account: String, key: [UInt8]) -> UInt64 {
        Array(account.utf8).withUnsafeBytes { AccountTokeniser(key: key).token(of: $0) }
    }

    /// RFC 4231 has no key of 32 bytes; HMAC pads keys with zeros to the block, so its key of 20 bytes (case 1) and that of
    /// "Jefe" (case 2), padded to 32, give the published codes: b0344c61d8db... and 5bdcc146bf60...
    @Test func tokensBeginAsTheRFCsCodes() {
        let first = [UInt8](repeating: 0x0B, count: 20) + [UInt8](repeating: 0, count: 12)
        #expect(TokenText.text(of: token("Hi There", key: first)) == "token:b0344c61d8db")
        #expect(token("Hi There", key: first) == 0xDBD8_614C_34B0)
        let second = Array("Jefe".utf8) + [UInt8](repeating: 0, count: 28)
        #expect(TokenText.text(of: token("what do ya want for nothing?", key: second)) == "token:5bdcc146bf60")
    }

    @Test func blanksAtBothEndsDoNotCount() {
        let key = [UInt8](repeating: 1, count: 32)
        #expect(token(" \t9704 001 ", key: key) == token("9704 001", key: key))
        #expect(token("9704001", key: key) != token("9704 001", key: key))
        #expect(token("9704001", key: key) != token("9704001", key: [UInt8](repeating: 2, count: 32)))
        #expect(token(" ", key: key) == token("", key: key))
    }

    @Test func manyAtOnceAreTheSame() {
        var accounts = AccountNumbers()
        for text in ["1", "22", "", "333"] { accounts.append(Array(text.utf8), on: .first) }
        let key = [UInt8](repeating: 9, count: 32)
        let ring = TokenKeyRing([.init(id: "only", firstDay: nil, secret: key)])
        #expect(ring.tokens(of: accounts) == ["1", "22", "", "333"].map { token($0, key: key) })
    }

    /// From the first moment of a key's date on it is the key, and for the day before it never is.
    @Test func theKeyInForceOnTheDateIsUsed() {
        let keys = (1...3).map { [UInt8](repeating: UInt8($0), count: 32) }
        let ring = TokenKeyRing([
            .init(id: "a", firstDay: nil, secret: keys[0]),
            .init(id: "b", firstDay: CalendarDay("2027-01-01"), secret: keys[1]),
            .init(id: "c", firstDay: CalendarDay("2027-01-02"), secret: keys[2]),
        ])
        let expected = [("1970-01-01", 0), ("2026-12-31", 0), ("2027-01-01", 1), ("2027-01-02", 2), ("9999-12-31", 2)]
        var accounts = AccountNumbers()
        for (day, key) in expected {
            accounts.append(Array("42".utf8), on: CalendarDay(day)!)
            #expect(ring.key(on: CalendarDay(day)!).id == ring.keys[key].id)
        }
        #expect(ring.tokens(of: accounts) == expected.map { token("42", key: keys[$0.1]) })
    }

    @Test func ringsAgreeUpToADate() {
        func ring(_ keys: [(String?, UInt8)]) -> TokenKeyRing {
            TokenKeyRing(
                keys.enumerated().map { number, key in
                    .init(
                        id: "\(number)", firstDay: key.0.flatMap { CalendarDay($0) },
                        secret: [UInt8](repeating: key.1, count: 32))
                })
        }
        let one = ring([(nil, 1)])
        let two = ring([(nil, 1), ("2027-01-01", 2)])
        let (before, after) = (CalendarDay("2026-12-31")!, CalendarDay("2027-01-01")!)
        #expect(two.agrees(with: one, through: before) && one.agrees(with: two, through: before))
        #expect(!two.agrees(with: one, through: after) && !one.agrees(with: two, through: after))
        #expect(!ring([(nil, 3)]).agrees(with: one, through: before))
        #expect(!ring([(nil, 1), ("2027-01-01", 3)]).agrees(with: two, through: after))
    }

    @Test func periodsEndWhereAKeyBeginsOrNothingIsKnown() {
        let ring = TokenKeyRing([
            .init(id: "a", firstDay: nil, secret: [UInt8](repeating: 1, count: 32)),
            .init(id: "b", firstDay: CalendarDay("2027-01-03"), secret: [UInt8](repeating: 2, count: 32)),
        ])
        func periods(_ periods: TokenPeriods) -> [UInt32] {
            (1...6).flatMap { day -> [UInt32] in
                let start = Int64(CalendarDay(year: 2027, month: 1, day: day)!.daysSince1970) * 86_400_000_000
                return [periods.period(ofMicroseconds: start), periods.period(ofMicroseconds: start + 86_399_999_999)]
            }
        }
        func shape(_ list: [UInt32]) -> [Int] { list.map { list.firstIndex(of: $0)! } }
        let known = TokenPeriods(ring, lastKnownDay: CalendarDay("2027-01-04")!)
        #expect(shape(periods(known)) == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 10, 10])
        #expect(shape(periods(.unknown)) == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10])
        #expect(Set(periods(.unknown)).isDisjoint(with: [0, 1]))
        let early = TokenPeriods(ring, lastKnownDay: CalendarDay("2027-01-01")!)
        #expect(shape(periods(early)) == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10])
    }

    @Test func textAndTokenAreInverse() {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<1000 {
            let token = max(1, random.next() >> 16)
            #expect(TokenText.token(TokenText.text(of: token)) == token)
        }
        for text in [
            "", "token:", "token:000000000000", "token:0123456789a", "token:0123456789abc", "token:0123456789ag",
        ] {
            #expect(TokenText.token(text) == nil)
        }
        #expect(TokenText.token("token:ABCDEF012345") == TokenText.token("token:abcdef012345"))
    }
}
