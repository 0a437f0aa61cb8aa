import Glibc
import Testing

@testable import Formats

@Suite struct JSONCursorTests {
    /// The text ends where memory ends: a byte read behind it ends the process.
    @Test func nothingIsReadBehindTheText() throws {
        let pageByteCount = sysconf(Int32(_SC_PAGESIZE))
        let pages = try #require(
            mmap(nil, 2 * pageByteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(pages, 2 * pageByteCount) }
        try #require(mprotect(pages + pageByteCount, pageByteCount, PROT_NONE) == 0)
        for byteCount in 0...40 {
            let bytes = Array("\"".utf8) + [UInt8](repeating: UInt8(ascii: "a"), count: byteCount)
            for text in [bytes, bytes + Array("\"".utf8)] {
                let start = pages + pageByteCount - text.count
                start.copyMemory(from: text, byteCount: text.count)
                var cursor = JSONCursor(
                    UnsafeMutableBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: text.count))
                do throws(JSONFault) {
                    let string = try cursor.string()
                    #expect(string.count == byteCount && text.count == byteCount + 2)
                } catch {
                    #expect(error.message == "the text ends inside a string" && text.count == byteCount + 1)
                }
            }
        }
    }
}
