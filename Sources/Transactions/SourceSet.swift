/// The sources that an owner may send for.
public struct SourceSet: Sendable, Equatable {
    private var words: [UInt64]

    /// The sources with these codes.
    public init(_ codes: some Sequence<UInt16>) {
        words = [UInt64](repeating: 0, count: 1024)
        for code in codes { words[Int(code >> 6)] |= 1 << UInt64(code & 63) }
    }

    /// True when `code` is in the set.
    public func contains(_ code: UInt16) -> Bool { words[Int(code >> 6)] >> UInt64(code & 63) & 1 == 1 }

    /// Every source.
    public static let all = SourceSet(0...UInt16.max)
}
