/// The formats of files and streams of records.
public enum FileFormat: String, CaseIterable, Sendable {
    /// Comma-separated values by RFC 4180, with a header.
    case csv
    /// One JSON object on each line.
    case ndjson
    /// Records of 64 bytes, one after the other.
    case raw

    /// The format of a name, or of `binary`, which is another word for `raw`; nil for any other word.
    public init?(word: String) { self.init(rawValue: word == "binary" ? "raw" : word) }

    /// Tells the format by a file's name, a last `.gz` left aside; nil when the ending is none that is known.
    public init?(fileName: String) {
        var parts = fileName.lowercased().split(separator: ".", omittingEmptySubsequences: false).dropFirst()
        if parts.last == "gz" { parts.removeLast() }
        switch parts.last {
        case "csv": self = .csv
        case "ndjson", "jsonl": self = .ndjson
        case "bin", "raw": self = .raw
        default: return nil
        }
    }
}
