/// The keys of account tokens, and from which UTC date on each is in force.
///
/// A token is made with the key that is in force on the UTC date of its record's time, whenever that record comes. A record's
/// identity is of the same date, so a record that is sent again has the same token on whichever side of a rotation it comes, and
/// is a duplicate.
public struct TokenKeyRing: Sendable, Equatable {
    /// One of the keys.
    public struct Key: Sendable, Equatable {
        /// What people call it.
        public let id: String
        /// The UTC date from whose first moment on it is in force; nil: from the beginning.
        public let firstDay: CalendarDay?
        fileprivate let tokeniser: AccountTokeniser

        /// - Parameter secret: 32 bytes.
        public init(id: String, firstDay: CalendarDay?, secret: [UInt8]) {
            (self.id, self.firstDay, tokeniser) = (id, firstDay, AccountTokeniser(key: secret))
        }
    }

    /// The keys, the oldest first.
    public let keys: [Key]

    /// - Parameter keys: the first from the beginning, each later one from a later date.
    public init(_ keys: [Key]) {
        precondition(keys.first.map { $0.firstDay == nil } ?? false, "one key is in force from the beginning")
        precondition(zip(keys, keys.dropFirst()).allSatisfy { ($0.firstDay ?? .first) < ($1.firstDay ?? .first) })
        self.keys = keys
    }

    /// The key in force on a date.
    public func key(on day: CalendarDay) -> Key {
        keys.last { $0.firstDay.map { $0 <= day } ?? true } ?? keys[0]
    }

    /// The tokens of many accounts, in their order, each with the key of its date.
    public func tokens(of accounts: AccountNumbers) -> [UInt64] {
        accounts.indices.map { position in
            let tokeniser = key(on: accounts.day(at: position)).tokeniser
            return accounts.withBytes(at: position) { tokeniser.token(of: $0) }
        }
    }

    /// True when both make the same tokens for every date up to `day`.
    public func agrees(with other: TokenKeyRing, through day: CalendarDay) -> Bool {
        func known(_ ring: TokenKeyRing) -> [Key] { ring.keys.filter { ($0.firstDay ?? .first) <= day } }
        return known(self).elementsEqual(known(other)) {
            $0.firstDay == $1.firstDay && $0.tokeniser == $1.tokeniser
        }
    }
}
