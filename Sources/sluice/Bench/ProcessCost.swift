import Foundation

/// Processor time of a process: a bench and its daemon share the machine, so what each of them takes is told apart.
struct CPUSeconds: Encodable, Sendable {
    var user: Double
    var system: Double

    var total: Double { user + system }

    static func - (left: CPUSeconds, right: CPUSeconds) -> CPUSeconds {
        CPUSeconds(user: left.user - right.user, system: left.system - right.system)
    }

    /// Of this process up to now.
    static var ofThisProcess: CPUSeconds {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return CPUSeconds(usage)
    }

    /// Of another process up to now, in steps of the clock tick (mostly 10 ms); nil when it is gone.
    static func of(process id: Int32) -> CPUSeconds? {
        CPUSeconds(statistics: "/proc/\(id)/stat")
    }

    private init?(statistics path: String) {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            // The name, in brackets, may hold anything.
            let fields = text.lastIndex(of: ")").map({ text[$0...].split(separator: " ") }), fields.count > 13,
            let user = Double(fields[12]), let system = Double(fields[13])
        else { return nil }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        self.init(user: user / ticks, system: system / ticks)
    }

    /// Processor seconds up to now of another process's threads by their names.
    static func ofThreads(of id: Int32) -> [String: Double] {
        let tasks = "/proc/\(id)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
        return threads.reduce(into: [:]) { seconds, thread in
            guard let name = try? String(contentsOfFile: "\(tasks)/\(thread)/comm", encoding: .utf8),
                let cpu = CPUSeconds(statistics: "\(tasks)/\(thread)/stat")
            else { return }
            seconds[name.trimmingCharacters(in: .whitespacesAndNewlines), default: 0] += cpu.total
        }
    }

    init(user: Double, system: Double) { (self.user, self.system) = (user, system) }

    init(_ usage: rusage) {
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        self.init(user: seconds(usage.ru_utime), system: seconds(usage.ru_stime))
    }
}

/// A figure of `/proc/ID/status`, which gives KiB, in bytes: `VmHWM` is the most memory resident so far, `VmRSS` that of
/// now; 0 when unknown.
func statusByteCount(_ name: String, ofProcess id: Int32) -> Int {
    let status = (try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
    let words = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }) ?? []
    return words.count > 1 ? (Int(words[1]) ?? 0) * 1024 : 0
}
