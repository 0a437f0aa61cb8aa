import Transactions

/// What a block says before its records: a code given to a name first used here, or a setting of the ledger.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | the name space's number, or 255 for a setting |
/// | 1 | 1 | 0 |
/// | 2 | 2 | bytes of text: 1 to 255 for a name, 1 to 4,096 for a statement, 0 to 4,096 for a setting |
/// | 4 | 4 | the name's code, or the setting's key |
/// | 8 | | the text in UTF-8, without padding |
public enum Declaration: Hashable, Sendable {
    /// `name` has `code` in its space from here on.
    case name(Name, code: UInt32)
    /// The setting `key` has `value` from here on.
    case setting(key: UInt32, value: String)

    /// The longest value of a setting in UTF-8 bytes.
    public static let largestSettingByteCount = 4096
    static let settingKind: UInt8 = 0xFF
    static let fixedByteCount = 8

    /// Bytes in a block.
    public var byteCount: Int { Declaration.fixedByteCount + text.utf8.count }

    private var text: String {
        switch self {
        case .name(let name, _): name.text
        case .setting(_, let value): value
        }
    }

    /// Appends the entry. The text must have a length that its kind allows.
    func append(to bytes: inout [UInt8]) {
        let text = Array(text.utf8)
        let (kind, code): (UInt8, UInt32) =
            switch self {
            case .name(let name, let code): (name.space.rawValue, code)
            case .setting(let key, _): (Declaration.settingKind, key)
            }
        precondition(Declaration.lengths(kind: kind).contains(text.count), "a declaration's text has a wrong length")
        bytes += [kind, 0, UInt8(truncatingIfNeeded: text.count), UInt8(text.count >> 8)]
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: code >> (8 * $0)) }
        bytes += text
    }

    /// Reads `count` entries that fill `bytes`.
    static func parse(_ bytes: UnsafeRawBufferPointer, count: Int) throws(BlockError) -> [Declaration] {
        var declarations: [Declaration] = []
        var offset = 0
        while offset < bytes.count {
            declarations.append(try parseEntry(bytes, at: &offset))
        }
        guard declarations.count == count else { throw .malformed("number of declarations") }
        return declarations
    }

    private static func parseEntry(
        _ bytes: UnsafeRawBufferPointer, at offset: inout Int
    ) throws(BlockError) -> Declaration {
        guard bytes.count - offset >= fixedByteCount, bytes[offset + 1] == 0 else {
            throw .malformedDeclaration(offset: offset)
        }
        let kind = bytes[offset]
        let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 2, as: UInt16.self))
        let code = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
        let start = offset + fixedByteCount
        guard lengths(kind: kind).contains(length), bytes.count - start >= length,
            let text = String(validating: bytes[start..<start + length], as: UTF8.self)
        else { throw .malformedDeclaration(offset: offset) }
        let declaration: Declaration
        if kind == settingKind {
            declaration = .setting(key: code, value: text)
        } else if let space = NameSpace(rawValue: kind), code <= space.largestCode {
            declaration = .name(Name(space, text), code: code)
        } else {
            throw .malformedDeclaration(offset: offset)
        }
        offset = start + length
        return declaration
    }

    private static func lengths(kind: UInt8) -> ClosedRange<Int> {
        kind == settingKind
            ? 0...largestSettingByteCount
            : 1...(NameSpace(rawValue: kind)?.largestByteCount ?? NameSpace.largestNameByteCount)
    }
}
