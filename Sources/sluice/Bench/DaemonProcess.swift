import Foundation
import Ledger
import SluiceClient
import Storage

extension LedgerFiles {
    /// Makes a ledger whose business days are those of UTC, where there is none.
    func createInUTCIfAbsent() throws {
        if try !exist(in: DiskFileSystem()) { try create(timeZone: "UTC", cutoverMinutes: 0) }
    }
}

/// A daemon of this executable on a loopback port, ended with the object.
final class DaemonProcess: Sendable {
    let address: ServerAddress
    private let process: OwnProcess

    /// Starts it on any free port, over a new ledger where there is none, and returns once it says that it listens.
    init(data: String) throws {
        try LedgerFiles(directory: data).createInUTCIfAbsent()
        process = try OwnProcess(["serve", "--data", data, "--listen", "127.0.0.1:0"])
        guard let port = process.firstLine().split(separator: ":").last.flatMap({ Int($0) }) else {
            _ = process.wait()
            throw InputOutputError("the daemon did not start: \(process.messages)")
        }
        address = .tcp(host: "127.0.0.1", port: port)
    }

    deinit { stop() }

    var processID: Int32 { process.id }

    /// The most memory that it had resident.
    var peakResidentBytes: Int { statusByteCount("VmHWM", ofProcess: processID) }

    /// Processor time up to now.
    var cpuSeconds: CPUSeconds { .of(process: processID) ?? CPUSeconds(user: 0, system: 0) }

    /// Asks it to take what is on its way and to end, and waits for that.
    func stop() { end(SIGTERM) }

    /// `kill -9`.
    func crash() { end(SIGKILL) }

    private func end(_ signal: Int32) {
        process.signal(signal)
        _ = process.wait()
    }
}

/// Bytes of a ledger's log.
func logByteCount(of data: String) throws -> Int {
    let log = data + "/log"
    return try FileManager.default.contentsOfDirectory(atPath: log).reduce(0) { total, name in
        total + (try FileManager.default.attributesOfItem(atPath: log + "/" + name)[.size] as? Int ?? 0)
    }
}
