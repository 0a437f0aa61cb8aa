import Chance
import Testing
import Transactions

@Suite struct RecordIDTests {
    @Test func aUUIDIsItsSixteenBytes() {
        let upper = RecordID(reference: "0190163D-8694-739B-AEA5-966C26F8AD90")
        let lower = RecordID(reference: "0190163d-8694-739b-aea5-966c26f8ad90")
        let bytes: [UInt8] = [
            0x01, 0x90, 0x16, 0x3D, 0x86, 0x94, 0x73, 0x9B, 0xAE, 0xA5, 0x96, 0x6C, 0x26, 0xF8, 0xAD, 0x90,
        ]
        #expect(upper == lower)
        #expect(upper?.bytes == bytes)
        #expect(upper?.isUUID == true)
        #expect(upper?.description == "0190163d-8694-739b-aea5-966c26f8ad90")
    }

    @Test func shortASCIIIsPaddedWithZeros() {
        #expect(RecordID(reference: "AB")?.bytes == [0x41, 0x42] + [UInt8](repeating: 0, count: 14))
        #expect(RecordID(reference: "0123456789abcdef")?.bytes == Array("0123456789abcdef".utf8))
        #expect(RecordID(reference: "536365-85123A")?.description == "536365-85123A")
    }

    @Test func otherReferencesAreHashed() {
        // The first 16 bytes of SHA-256 of the text, from `printf %s TEXT | sha256sum`.
        #expect(hexadecimal(RecordID(reference: "0123456789abcdefg")!.bytes) == "8378b19d693ee89e2ca594b6ec0abfaa")
        #expect(RecordID(reference: "0123456789abcdefg")?.description == "sha256:8378b19d693ee89e2ca594b6ec0abfaa")
        #expect(hexadecimal(RecordID(reference: "é")!.bytes) == "4a99557e4033c3539de2eb65472017ca")
        // Not quite a UUID.
        #expect(
            hexadecimal(RecordID(reference: "0190163d-8694-739b-aea5-966c26f8ad9g")!.bytes).hasPrefix("0190163d")
                == false)
    }

    @Test func absentReferencesAreNone() {
        #expect(RecordID(reference: "") == nil)
        #expect(RecordID(reference: "00000000-0000-0000-0000-000000000000") == nil)
        #expect(RecordID(printed: "sha256:00000000000000000000000000000000") == RecordID.none)
    }

    @Test func printingAndReadingAreInverse() {
        var random = SeededGenerator(seed: 3)
        for round in 0..<20_000 {
            var id = RecordID(low: random.next(), high: random.next())
            if round % 3 == 0 { id.high = 0 }
            if round % 5 == 0 { id = RecordID(reference: "R\(random.next() % 1_000_000_000_000)")! }
            if round % 7 == 0 { id.low = id.low & 0x7F7F_7F7F_7F7F_7F7F }
            #expect(RecordID(printed: id.description) == id)
        }
    }
}
