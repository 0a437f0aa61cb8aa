import Foundation
import Storage

/// The file of all grants: JSON, for its owner alone. It is replaced as a whole, so that a reader finds the old or the new one;
/// who changes it holds a lock beside it.
public struct GrantFile: Sendable {
    /// Where it is.
    public let path: String
    private let fileSystem: any FileSystem

    private static let version = 1
    private static let largestByteCount = 64 << 20

    private struct Content: Codable {
        var version: Int
        var grants: [Grant]
    }

    /// The file at `path`; it need not be there.
    public init(path: String, fileSystem: any FileSystem = DiskFileSystem()) {
        self.path = path
        self.fileSystem = fileSystem
    }

    /// All grants, the oldest first; none when there is no file.
    /// - Throws: `AccessError` when the content is none that is known, `StorageError` when it cannot be read.
    public func grants() throws -> [Grant] {
        guard let bytes = try content() else { return [] }
        return try grants(in: bytes)
    }

    /// The file's bytes; nil when there is none.
    func content() throws(StorageError) -> [UInt8]? {
        do throws(StorageError) {
            let file = try fileSystem.open(path, .read)
            return try file.bytes(at: 0, count: min(try file.byteCount(), GrantFile.largestByteCount))
        } catch  where error.isNotFound {
            return nil
        }
    }

    func grants(in bytes: [UInt8]) throws -> [Grant] {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do {
            let content = try decoder.decode(Content.self, from: Data(bytes))
            guard content.version == GrantFile.version else {
                throw AccessError(
                    "\(path): version \(content.version) was found, \(GrantFile.version) was expected")
            }
            return content.grants
        } catch let error as DecodingError {
            throw AccessError("\(path): \(GrantFile.text(of: error))")
        }
    }

    /// Changes the grants. What `change` leaves is durable when this returns; when it throws nothing has changed.
    public func change<Result>(_ change: (inout [Grant]) throws -> Result) throws -> Result {
        guard let lock = try fileSystem.lock(path + ".lock", exclusively: true) else {
            throw AccessError("\(path) is being changed by another command; try again")
        }
        defer { lock.release() }
        var grants = try grants()
        let result = try change(&grants)
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(Content(version: GrantFile.version, grants: grants))
        try fileSystem.replaceSecret(path, with: Array(data) + [UInt8(ascii: "\n")])
        return result
    }

    private static func text(of error: DecodingError) -> String {
        let context: DecodingError.Context
        switch error {
        case .keyNotFound(let key, let found):
            context = .init(codingPath: found.codingPath, debugDescription: "'\(key.stringValue)' is missing")
        case .dataCorrupted(let found), .typeMismatch(_, let found), .valueNotFound(_, let found): context = found
        @unknown default: return "\(error)"
        }
        let place = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        return place.isEmpty ? context.debugDescription : "\(place): \(context.debugDescription)"
    }
}

/// Why a grant cannot be read, made or taken back.
public struct AccessError: Error, CustomStringConvertible, Sendable {
    /// What was found and what was expected.
    public let description: String

    /// An error with its text.
    public init(_ description: String) { self.description = description }
}
