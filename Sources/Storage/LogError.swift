/// Trouble with the log that a person has to look at. Nothing was changed.
public enum LogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Bytes that were durable are not what was written.
    case damaged(path: String, offset: Int, sequences: Range<UInt64>, reason: String)
    /// Sequences that must be there are in no segment.
    case missing(directory: String, sequences: Range<UInt64>)
    /// The catalogue or a receipt knows of more than the log holds.
    case shortened(path: String, end: UInt64, proven: UInt64)
    /// Written by a later version of this program.
    case newerFormat(path: String, version: Int)
    /// No ledger, or none that its first block describes.
    case noLedger(path: String, reason: String)

    /// True when what was durable is not what it was; false when there is nothing that this program could read.
    public var isDamage: Bool {
        switch self {
        case .damaged, .missing, .shortened: true
        case .newerFormat, .noLedger: false
        }
    }

    /// What is wrong, without the place.
    public var reason: String {
        switch self {
        case .damaged(_, _, _, let reason), .noLedger(_, let reason): reason
        case .missing, .shortened, .newerFormat: description
        }
    }

    /// What cannot be read; nil when the error speaks of no sequences.
    public var sequences: Range<UInt64>? {
        switch self {
        case .damaged(_, _, let sequences, _), .missing(_, let sequences): sequences
        case .shortened, .newerFormat, .noLedger: nil
        }
    }

    /// File, offset, sequences, and what is wrong.
    public var description: String {
        switch self {
        case .damaged(let path, let offset, let sequences, let reason):
            let range = sequences.isEmpty ? "" : ", sequences \(sequences.lowerBound) to \(sequences.upperBound - 1)"
            return "damage in \(path) at offset \(offset)\(range): \(reason)"
        case .missing(let directory, let sequences):
            return "sequences \(sequences.lowerBound) to \(sequences.upperBound - 1) are missing in \(directory)"
        case .shortened(let path, let end, let proven):
            return "\(path) ends with sequence \(end), but sequences up to \(proven) were made durable"
        case .newerFormat(let path, let version):
            return "\(path) has format version \(version), written by a later version of this program"
        case .noLedger(let path, let reason):
            return "no ledger in \(path): \(reason)"
        }
    }
}
