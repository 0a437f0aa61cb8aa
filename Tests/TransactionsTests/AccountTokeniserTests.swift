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
        for text in ["1", "22", "", "333"] { Array(text.utf8).withUnsafeBytes { accounts.append($0) } }
        let key = [UInt8](repeating: 9, count: 32)
        #expect(AccountTokeniser(key: key).tokens(of: accounts) == ["1", "22", "", "333"].map { token($0, key: key) })
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
