import Foundation
import SluiceClient

/// A daemon of this executable on a loopback port, ended with the object.
final class DaemonProcess: @unchecked Sendable {
    let address: ServerAddress
    let port: Int
    private let process = Process()

    /// Starts it, and returns once it says that it listens.
    /// - Parameter port: 0: any free one.
    init(data: String, port: Int = 0, options: [String] = []) throws {
        let output = Pipe()
        process.executableURL = DaemonProcess.executable
        process.arguments = ["serve", "--data", data, "--listen", "127.0.0.1:\(port)"] + options
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
        self.port = port
        address = .tcp(host: "127.0.0.1", port: port)
    }

    deinit { stop() }

    /// This command's own executable.
    static let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()

    var processID: Int32 { process.processIdentifier }

    /// The most memory that it had resident.
    var peakResidentBytes: Int { statusByteCount("VmHWM", ofProcess: processID) }

    /// Processor time up to now.
    var cpuSeconds: CPUSeconds { .of(process: processID) ?? CPUSeconds(user: 0, system: 0) }

    /// Asks it to take what is on its way and to end, and waits for that.
    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }

    /// `kill -9`.
    func crash() {
        kill(processID, SIGKILL)
        process.waitUntilExit()
    }
}

/// Bytes of a ledger's log.
func logByteCount(of data: String) throws -> Int {
    let log = data + "/log"
    return try FileManager.default.contentsOfDirectory(atPath: log).reduce(0) { total, name in
        total + (try FileManager.default.attributesOfItem(atPath: log + "/" + name)[.size] as? Int ?? 0)
    }
}
