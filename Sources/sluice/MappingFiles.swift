import Formats
import Foundation

/// The mapping in a JSON file; an error names the file.
func readMappingFile(_ path: String) throws -> Mapping {
    guard let bytes = FileManager.default.contents(atPath: path) else {
        throw UsageError("cannot read the mapping \(path)")
    }
    do throws(FormatError) {
        return try Mapping(json: bytes)
    } catch {
        throw FormatError("\(path): \(error)")
    }
}

/// The mapping in a JSON file, or that of the fields' own names.
/// - Parameter source: of all rows; goes before the mapping's.
func readMapping(_ path: String?, source: String?) throws -> Mapping {
    var mapping = Mapping()
    if let path { mapping = try readMappingFile(path) }
    if let source { mapping.setSource(source) }
    return mapping
}

/// The mappings in a directory's JSON files, by the files' names without their ending.
func readMappingFiles(in directory: String) throws -> [String: Mapping] {
    let names: [String]
    do {
        names = try FileManager.default.contentsOfDirectory(atPath: directory)
    } catch {
        throw UsageError("cannot read the directory of mappings \(directory): \(reason(of: error))")
    }
    let files = names.filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }
    guard !files.isEmpty else { throw UsageError("the directory of mappings \(directory) has no file NAME.json") }
    return Dictionary(
        uniqueKeysWithValues: try files.map {
            (String($0.dropLast(".json".count)), try readMappingFile(directory + "/" + $0))
        })
}
