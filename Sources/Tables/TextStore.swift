import CSQLite

/// Texts that live as long as the connection, so that SQLite need not copy them for each row.
final class TextStore {
    /// A text of the store; no text is NULL.
    struct Text {
        fileprivate var start: UnsafePointer<CChar>?
        fileprivate var count: Int32

        static var null: Text { Text(start: nil, count: 0) }

        /// Gives the text as a result.
        @inline(__always)
        func show(in context: OpaquePointer?) {
            guard let start else { return sqlite3_result_null(context) }
            // SQLITE_STATIC: the text stays where it is.
            sqlite3_result_text(context, start, count, nil)
        }

        /// Its bytes.
        var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: Int(count)) }
    }

    private var pieces: [UnsafeMutablePointer<CChar>] = []
    private var piece: UnsafeMutableBufferPointer<CChar>.SubSequence = UnsafeMutableBufferPointer(start: nil, count: 0)[
        ...]

    private static let pieceByteCount = 1 << 16

    deinit { pieces.forEach { $0.deallocate() } }

    /// Keeps a text.
    func keep(_ text: String) -> Text {
        var text = text
        return text.withUTF8 { bytes in
            if piece.count < bytes.count {
                let size = max(TextStore.pieceByteCount, bytes.count)
                let memory = UnsafeMutablePointer<CChar>.allocate(capacity: size)
                pieces.append(memory)
                piece = UnsafeMutableBufferPointer(start: memory, count: size)[...]
            }
            let place = UnsafeMutableBufferPointer(rebasing: piece.prefix(bytes.count))
            piece = piece.dropFirst(bytes.count)
            UnsafeMutableRawBufferPointer(place).copyBytes(from: bytes)
            // An empty text is not NULL.
            return Text(start: UnsafePointer(place.baseAddress ?? TextStore.empty), count: Int32(bytes.count))
        }
    }

    nonisolated(unsafe) private static let empty = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
}

/// Texts of codes, each made when it is first shown.
final class CodeTexts {
    private let store: TextStore
    private let make: (UInt32) -> String?
    /// Of codes that a table of pointers is worth.
    private var low: [TextStore.Text?]
    private var high: [UInt32: TextStore.Text] = [:]

    /// - Parameter make: nil: NULL.
    init(_ store: TextStore, lowCount: Int, make: @escaping (UInt32) -> String?) {
        (self.store, self.make) = (store, make)
        low = Array(repeating: nil, count: lowCount)
    }

    /// The text of a code.
    @inline(__always)
    func text(of code: UInt32) -> TextStore.Text {
        if Int(code) < low.count {
            if let known = low[Int(code)] { return known }
            let text = made(code)
            low[Int(code)] = text
            return text
        }
        if let known = high[code] { return known }
        let text = made(code)
        high[code] = text
        return text
    }

    private func made(_ code: UInt32) -> TextStore.Text { make(code).map(store.keep) ?? .null }
}
