/// A file's content as pages that copies share: a copy costs nothing, and a write copies the pages that it touches.
///
/// A page that was never written is nil and reads as zeros. Bytes of the last page beyond the end are zero.
struct PagedBytes: Sendable {
    static let pageByteCount = 4096

    private(set) var byteCount = 0
    private var pages: [Page?] = []

    init() {}

    init(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0, at: 0) } }

    /// Reads what there is at `offset`, up to the buffer's size.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        let count = max(0, min(buffer.count, byteCount - offset))
        var done = 0
        while done < count {
            let (page, start) = (offset + done).quotientAndRemainder(dividingBy: PagedBytes.pageByteCount)
            let length = min(count - done, PagedBytes.pageByteCount - start)
            let target = buffer.baseAddress! + done
            if let page = pages[page] {
                target.copyMemory(from: page.bytes + start, byteCount: length)
            } else {
                target.initializeMemory(as: UInt8.self, repeating: 0, count: length)
            }
            done += length
        }
        return count
    }

    /// `count` bytes at `offset`; fewer where the content ends before.
    func bytes(at offset: Int = 0, count: Int = .max) -> [UInt8] {
        let available = max(0, min(count, byteCount - offset))
        return [UInt8](unsafeUninitializedCapacity: available) { buffer, initialized in
            initialized = read(
                into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<available]),
                at: offset)
        }
    }

    /// Writes all bytes; what lies between the old end and `offset` becomes zeros.
    mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        if bytes.isEmpty { return }
        if offset + bytes.count > byteCount { resize(to: offset + bytes.count) }
        var done = 0
        while done < bytes.count {
            let (index, start) = (offset + done).quotientAndRemainder(dividingBy: PagedBytes.pageByteCount)
            let length = min(bytes.count - done, PagedBytes.pageByteCount - start)
            ownPage(index)
            (pages[index]!.bytes + start).copyMemory(from: bytes.baseAddress! + done, byteCount: length)
            done += length
        }
    }

    /// Cuts or extends with zeros.
    mutating func resize(to newByteCount: Int) {
        let pageCount = (newByteCount + PagedBytes.pageByteCount - 1) / PagedBytes.pageByteCount
        if pageCount > pages.count {
            pages.append(contentsOf: repeatElement(nil, count: pageCount - pages.count))
        } else {
            pages.removeLast(pages.count - pageCount)
            let kept = newByteCount % PagedBytes.pageByteCount
            if newByteCount < byteCount, kept > 0, pages[pageCount - 1] != nil {
                ownPage(pageCount - 1)
                (pages[pageCount - 1]!.bytes + kept).initializeMemory(
                    as: UInt8.self, repeating: 0, count: PagedBytes.pageByteCount - kept)
            }
        }
        byteCount = newByteCount
    }

    private mutating func ownPage(_ index: Int) {
        if pages[index] == nil {
            pages[index] = Page(copying: nil)
        } else if !isKnownUniquelyReferenced(&pages[index]) {
            pages[index] = Page(copying: pages[index])
        }
    }
}

extension PagedBytes: Equatable {
    static func == (one: PagedBytes, other: PagedBytes) -> Bool {
        one.byteCount == other.byteCount
            && zip(one.pages, other.pages).allSatisfy { $0 === $1 || Page.areEqual($0, $1) }
    }
}

/// Changed only while one reference to it exists.
private final class Page: @unchecked Sendable {
    let bytes: UnsafeMutableRawPointer

    init(copying page: Page?) {
        bytes = .allocate(byteCount: PagedBytes.pageByteCount, alignment: 16)
        if let page {
            bytes.copyMemory(from: page.bytes, byteCount: PagedBytes.pageByteCount)
        } else {
            bytes.initializeMemory(as: UInt8.self, repeating: 0, count: PagedBytes.pageByteCount)
        }
    }

    deinit { bytes.deallocate() }

    private var content: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes, count: PagedBytes.pageByteCount)
    }

    static func areEqual(_ one: Page?, _ other: Page?) -> Bool {
        switch (one, other) {
        case (nil, nil): true
        case (let page?, nil), (nil, let page?): page.content.allSatisfy { $0 == 0 }
        case (let one?, let other?): one.content.elementsEqual(other.content)
        }
    }
}
