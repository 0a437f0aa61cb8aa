import Foundation
import Storage
import Transactions

/// The file of the keys of account tokens, for its owner alone: a line for each key, the oldest first.
///
///     9f86...64 digits
///     2027a 2027-01-01 60303ae2...64 digits
///     2028a 2028-01-01 env:SLUICE_TOKEN_KEY_2028
///
/// The first key is in force from the beginning: it may be alone on its line, or behind its id. Each other has an id, the UTC date
/// from whose first moment on it is in force, and the key: 64 hexadecimal digits, or the variable of the environment that holds
/// them. Empty lines and those that begin with `#` say nothing. No error shows anything of a line.
public struct TokenKeyFile: Sendable {
    /// Where a key is. Printing it shows no key.
    public enum Secret: Sendable, CustomStringConvertible, CustomReflectable {
        /// In the file itself.
        case written([UInt8])
        /// In a variable of the environment.
        case variable(String)

        /// A new one.
        static func drawn(with chance: inout some RandomNumberGenerator) -> Secret {
            .written((0..<AccountTokeniser.keyByteCount).map { _ in UInt8.random(in: 0...255, using: &chance) })
        }

        /// Where it is, in words.
        public var description: String {
            switch self {
            case .written: "file"
            case .variable(let name): "environment's \(name)"
            }
        }

        /// Shows nothing to `dump` and debuggers.
        public var customMirror: Mirror { Mirror(self, children: []) }

        fileprivate var text: String {
            switch self {
            case .written(let key): hexadecimal(key)
            case .variable(let name): TokenKeyFile.variablePrefix + name
            }
        }
    }

    /// A line of the file.
    public struct Entry: Sendable {
        /// What people call the key.
        public let id: String
        /// The UTC date from which on it is in force; nil: from the beginning.
        public let firstDay: CalendarDay?
        /// Where the key is.
        public let secret: Secret
        fileprivate let line: Int
    }

    /// Where it is.
    public let path: String
    private let fileSystem: any FileSystem
    private let environment: [String: String]

    private static let variablePrefix = "env:"
    private static let firstID = "first"
    private static let largestByteCount = 1 << 20

    /// The file at `path`; it need not be there.
    public init(
        path: String, fileSystem: any FileSystem = DiskFileSystem(),
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        (self.path, self.fileSystem, self.environment) = (path, fileSystem, environment)
    }

    /// The keys, from the file and the environment.
    /// - Throws: `LedgerError.tokenKey` with the line that says none.
    public func ring() throws -> TokenKeyRing {
        var secrets: Set<[UInt8]> = []
        return TokenKeyRing(
            try entries().map { entry in
                let secret = try secret(of: entry)
                guard secrets.insert(secret).inserted else {
                    throw fault(entry.line, "the key is that of an earlier line; expected another one")
                }
                return .init(id: entry.id, firstDay: entry.firstDay, secret: secret)
            })
    }

    /// What the lines say; keys in the environment are not looked at.
    public func entries() throws -> [Entry] { try entries(in: try text()) }

    /// Adds a key to those that there are. It is durable when this returns.
    ///
    /// The date lies so far ahead that no record of it can have come: then no record that is in the ledger would get another
    /// token if it came again, and whoever holds the ledger looks at the file again before one comes.
    /// - Parameters:
    ///   - secret: nil: a new one is drawn.
    ///   - note: is called when nothing stands against it any more; when it throws nothing is added.
    public func add(
        id: String, firstDay: CalendarDay, secret: Secret?, nowMicroseconds: Int64, note: () throws -> Void = {}
    ) throws {
        guard let lock = try fileSystem.lock(path + ".lock", exclusively: true) else {
            throw fault(nil, "it is being changed by another command; try again")
        }
        defer { lock.release() }
        let text = try text()
        let entries = try entries(in: text)
        guard TokenKeyFile.isID(id) else {
            throw fault(nil, "an id has 1 to 32 letters, digits, dots, hyphens and underscores")
        }
        guard !entries.contains(where: { $0.id == id }) else { throw fault(nil, "the id \(id) is taken") }
        let earliest = TokenKeys.lastKnownDay(atMicroseconds: nowMicroseconds).movedBy(days: 1)
        guard firstDay >= earliest else {
            throw fault(
                nil,
                "a key from \(firstDay) on would give other tokens to accounts whose records may be in the ledger; expected \(earliest) or later"
            )
        }
        if let last = entries.last?.firstDay, firstDay <= last {
            throw fault(nil, "a key is in force from \(last) on already; expected a later date than \(firstDay)")
        }
        try note()
        var chance = SystemRandomNumberGenerator()
        let line = "\(id) \(firstDay) \((secret ?? .drawn(with: &chance)).text)\n"
        try fileSystem.replaceSecret(path, with: Array((text.hasSuffix("\n") ? text : text + "\n").utf8) + line.utf8)
    }

    /// Makes the file with its first key: whole or not at all, as a key that was cut short would lock the ledger for good.
    func begin(with secret: Secret) throws {
        try fileSystem.replaceSecret(path, with: Array((secret.text + "\n").utf8))
    }

    private func text() throws -> String {
        let file = try fileSystem.open(path, .read)
        guard try file.byteCount() <= TokenKeyFile.largestByteCount else {
            throw fault(nil, "it has more than \(TokenKeyFile.largestByteCount) bytes")
        }
        return String(decoding: try file.bytes(at: 0, count: TokenKeyFile.largestByteCount), as: UTF8.self)
    }

    private func entries(in text: String) throws -> [Entry] {
        var entries: [Entry] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            let entry = try entry(words, line: index + 1, isFirst: entries.isEmpty)
            guard !entries.contains(where: { $0.id == entry.id }) else {
                throw fault(entry.line, "the id is that of an earlier line; expected another one")
            }
            if let last = entries.last?.firstDay, let day = entry.firstDay, day <= last {
                throw fault(entry.line, "the date is not behind that of the line before; expected the oldest key first")
            }
            entries.append(entry)
        }
        guard !entries.isEmpty else { throw fault(nil, "it holds no key; expected 64 hexadecimal digits") }
        return entries
    }

    private func entry(_ words: [Substring], line: Int, isFirst: Bool) throws -> Entry {
        guard words.count == 3 || (isFirst && words.count < 3) else {
            throw fault(
                line,
                isFirst
                    ? "\(words.count) words were found; expected a key, or its id and the key"
                    : "\(words.count) words were found; expected an id, a date and a key")
        }
        guard !isFirst || words.count < 3 else {
            throw fault(
                line, "the first key is in force from the beginning; expected its id and the key, without a date")
        }
        let id = words.count == 1 ? TokenKeyFile.firstID : String(words[0])
        guard TokenKeyFile.isID(id) else {
            throw fault(line, "no id; expected 1 to 32 letters, digits, dots, hyphens and underscores")
        }
        var firstDay: CalendarDay?
        if words.count == 3 {
            guard let day = CalendarDay(words[1]) else { throw fault(line, "no date; expected one such as 2027-01-01") }
            firstDay = day
        }
        return Entry(id: id, firstDay: firstDay, secret: try secret(words[words.count - 1], line: line), line: line)
    }

    private func secret(_ word: Substring, line: Int) throws -> Secret {
        if word.hasPrefix(TokenKeyFile.variablePrefix) {
            let name = word.dropFirst(TokenKeyFile.variablePrefix.count)
            guard TokenKeyFile.isVariable(name) else { throw fault(line, "no variable of the environment behind env:") }
            return .variable(String(name))
        }
        guard let key = key(word) else { throw fault(line, TokenKeyFile.noKey) }
        return .written(key)
    }

    private func secret(of entry: Entry) throws -> [UInt8] {
        switch entry.secret {
        case .written(let key): return key
        case .variable(let name):
            guard let text = environment[name] else {
                throw fault(entry.line, "the environment has no \(name); expected 64 hexadecimal digits in it")
            }
            guard let key = key(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                throw fault(entry.line, "in the environment's \(name) is \(TokenKeyFile.noKey)")
            }
            return key
        }
    }

    private static let noKey = "no key; expected 64 hexadecimal digits"

    private func key(_ text: some StringProtocol) -> [UInt8]? {
        bytes(hexadecimal: String(text)).flatMap { $0.count == AccountTokeniser.keyByteCount ? $0 : nil }
    }

    /// True for what may be the id of a key. A key is longer, so that one in a wrong place is none.
    static func isID(_ text: some StringProtocol) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy { isNameByte($0) || [UInt8(ascii: "."), UInt8(ascii: "-")].contains($0) }
    }

    /// True for what may be the name of a variable.
    public static func isVariable(_ text: some StringProtocol) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        let scalar = Character(UnicodeScalar(byte))
        return scalar.isASCII && (scalar.isLetter || scalar.isNumber || scalar == "_")
    }

    private func fault(_ line: Int?, _ reason: String) -> LedgerError {
        .tokenKey(path: path, line: line, reason: reason)
    }
}
