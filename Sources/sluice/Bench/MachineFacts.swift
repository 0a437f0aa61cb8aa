import Foundation
import Presentation

/// The machine that was measured, for whoever reads the figures elsewhere.
struct MachineFacts: Encodable, Sendable {
    var processor: String
    var cores: Int
    var memoryBytes: UInt64
    var system: String
    var kernel: String
    /// Of temporary files, where measured ledgers lie.
    var fileSystem: String

    private enum CodingKeys: String, CodingKey {
        case processor, cores, system, kernel
        case memoryBytes = "memory_bytes"
        case fileSystem = "file_system"
    }

    /// - Parameter path: the directory in which ledgers are made.
    init(directory path: String = FileManager.default.temporaryDirectory.path) {
        let info = ProcessInfo.processInfo
        cores = info.activeProcessorCount
        memoryBytes = info.physicalMemory
        processor = MachineFacts.value("model name", in: "/proc/cpuinfo", separator: ":") ?? "unknown"
        system =
            MachineFacts.value("PRETTY_NAME", in: "/etc/os-release", separator: "=")
            ?? info.operatingSystemVersionString
        var names = utsname()
        uname(&names)
        kernel = withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        fileSystem = MachineFacts.fileSystem(of: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
    }

    /// For people.
    var rows: [[String]] {
        [
            ["processor", "\(processor), \(counted(cores, "core"))"], ["memory", formatBytes(Int(memoryBytes))],
            ["system", "\(system), Linux \(kernel)"], ["ledgers on", fileSystem],
        ]
    }

    private static func lines(of path: String) -> [Substring] {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n")
    }

    private static func value(_ key: String, in path: String, separator: Character) -> String? {
        let line = lines(of: path).first { $0.hasPrefix(key) }
        return line?.split(separator: separator, maxSplits: 1).last?
            .trimmingCharacters(in: CharacterSet(charactersIn: " \t\""))
    }

    /// The type of the file system with the longest mount point that `path` lies in.
    private static func fileSystem(of path: String) -> String {
        let mounts = lines(of: "/proc/self/mounts").map { $0.split(separator: " ") }.filter { $0.count > 2 }
        let able = mounts.filter { mount in mount[1] == "/" || path == mount[1] || path.hasPrefix(mount[1] + "/") }
        // Of those at one place the last one is seen.
        let found = able.enumerated().max { ($0.element[1].count, $0.offset) < ($1.element[1].count, $1.offset) }
        return found.map { String($0.element[2]) } ?? "unknown"
    }
}
