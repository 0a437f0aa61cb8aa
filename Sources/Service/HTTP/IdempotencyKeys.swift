import Crypto
import NIOCore
import Synchronization

/// Answers that were given to requests with an `Idempotency-Key`, for those who ask again (IETF
/// draft-ietf-httpapi-idempotency-key-header).
///
/// The identities of transactions make sending again safe without it; with it the answer is the same, too: `accepted` stays
/// `accepted`. Answers are kept in memory, the newest `mostKeys` of them and at most for a day. When one was forgotten, or
/// the daemon started anew, the same body is answered with `duplicates`.
final class IdempotencyKeys: Sendable {
    /// Whose key, and which.
    struct Key: Hashable {
        var client: String
        var text: String
    }

    /// What a key stands for: what was asked, to tell another request under the same key.
    typealias Fingerprint = SHA256.Digest

    /// What is known of a key.
    enum Known {
        /// Nothing: whoever asked answers now, and ends with `finish`.
        case new
        case answered(IntakeAnswer)
        /// Another request with it is being answered.
        case underWay
        /// It was used for something else.
        case ofAnotherRequest
    }

    fileprivate struct Entry {
        var fingerprint: Fingerprint
        var answer: IntakeAnswer?
        var end: ContinuousClock.Instant
    }

    fileprivate struct State {
        var entries: [Key: Entry] = [:]
        var order = CircularBuffer<Key>()
        var byteCount = 0
    }

    private let state = Mutex(State())

    static let mostKeys = 100_000
    private static let mostBytes = 64 << 20
    private static let life = Duration.seconds(86_400)

    func begin(_ key: Key, _ fingerprint: Fingerprint, now: ContinuousClock.Instant = .now) -> Known {
        state.withLock { state in
            if let entry = state.entries[key], entry.answer == nil || entry.end > now {
                guard entry.fingerprint == fingerprint else { return .ofAnotherRequest }
                return entry.answer.map { .answered($0) } ?? .underWay
            }
            state.forget(key)
            state.entries[key] = Entry(fingerprint: fingerprint, end: now + IdempotencyKeys.life)
            return .new
        }
    }

    /// - Parameter answer: what was answered; nil when the request may be tried again.
    func finish(_ key: Key, _ answer: IntakeAnswer?) {
        state.withLock { state in
            guard let answer else { return state.forget(key) }
            state.entries[key]?.answer = answer
            state.byteCount += answer.byteCount
            state.order.append(key)
            while state.order.count > IdempotencyKeys.mostKeys || state.byteCount > IdempotencyKeys.mostBytes,
                let oldest = state.order.popFirst()
            {
                state.forget(oldest)
            }
        }
    }

    /// Reads the header: a string of RFC 8941, or the bare word that many send.
    static func text(of header: String) -> String? {
        var text = header[...]
        if text.count >= 2, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
        let isFine = (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != 0x22 }
        return isFine ? String(text) : nil
    }
}

extension IdempotencyKeys.State {
    /// A key's place in the order stays until it is the oldest: then there is nothing under it any more.
    fileprivate mutating func forget(_ key: IdempotencyKeys.Key) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        byteCount -= entry.answer?.byteCount ?? 0
    }
}
