import Foundation
import SluiceClient

/// A daemon of this executable on a free loopback port, ended with the object.
final class DaemonProcess {
    let address: ServerAddress
    private let process = Process()

    init(data: String) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["serve", "--data", data, "--listen", "127.0.0.1:0"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard
            let port = line.split(separator: ":").last.flatMap({
                Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
            })
        else {
            process.terminate()
            throw UsageError("the daemon did not start; see why with: sluice serve --data \(data)")
        }
        address = .tcp(host: "127.0.0.1", port: port)
    }

    deinit { stop() }

    /// The most memory that it had resident, from /proc.
    var peakResidentBytes: Int {
        let status = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0)
            * 1024
    }

    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }

    static func logBytes(in directory: String) throws -> Int {
        let log = directory + "/log"
        return try FileManager.default.contentsOfDirectory(atPath: log).reduce(0) { total, name in
            total + (try FileManager.default.attributesOfItem(atPath: log + "/" + name)[.size] as? Int ?? 0)
        }
    }
}
