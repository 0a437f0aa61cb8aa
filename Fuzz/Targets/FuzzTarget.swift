/// One parser that is fed hostile bytes: by libFuzzer, and with the committed corpus by the tests.
///
/// A target does not only see that nothing traps. It holds what comes out against what must be true of it: what decodes
/// encodes to the same again, what is accepted lies within its documented bounds, and the pieces in which bytes arrive
/// make no difference.
public struct FuzzTarget: Sendable, CustomStringConvertible {
    /// Runs the target on one input. True when a parser accepted something of it.
    /// - Throws: `BrokenProperty`, and nothing else.
    public typealias Run = (UnsafeRawBufferPointer) throws -> Bool

    /// What it is called on the command line and in the corpus.
    public let name: String
    /// The longest input that is worth a try.
    public let largestByteCount: Int
    /// Makes the checksums of changed bytes match; nil where there are none.
    public let repair: (@Sendable (UnsafeMutableRawBufferPointer) -> Void)?
    /// Inputs of the project's own making, to begin with.
    public let seeds: @Sendable () -> [[UInt8]]
    /// Makes what all runs of a thread share.
    public let start: @Sendable () -> Run

    /// The name.
    public var description: String { name }

    /// All targets.
    public static let all = [
        frames, answers, blocks, columns, chunks, identities, segment, csv, ndjson, raw, arrays, compressed, mappings,
        queries,
        replies, texts, reference,
    ]
}

/// Something that must be true of every input and was not of this one.
public struct BrokenProperty: Error, CustomStringConvertible {
    /// What was found and what was expected.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Throws `BrokenProperty` unless `isTrue`.
func require(_ isTrue: Bool, _ text: @autoclosure () -> String) throws(BrokenProperty) {
    if !isTrue { throw BrokenProperty(text()) }
}
