import Columns

/// What the first block of a compacted segment declares besides the ledger's settings: the header checksum of the last block
/// that the segment had before. The next segment's first block repeats it, and so stays as it is.
public enum FormerEnd {
    static let key: UInt32 = 7

    /// The declaration: 8 hexadecimal digits.
    public static func declaration(_ checksum: UInt32) -> Declaration {
        let digits = String(checksum, radix: 16)
        return .setting(key: key, value: String(repeating: "0", count: 8 - digits.count) + digits)
    }

    /// True for a declaration that `declaration` made.
    public static func isDeclared(by declaration: Declaration) -> Bool {
        if case .setting(key, _) = declaration { true } else { false }
    }

    /// What the declarations of a segment's first block say; nil where the segment was not compacted.
    public static func checksum(in declarations: [Declaration]) -> UInt32? {
        for case .setting(key, let value) in declarations { return UInt32(value, radix: 16) }
        return nil
    }
}
