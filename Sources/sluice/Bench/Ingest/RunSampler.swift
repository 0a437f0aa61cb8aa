import Foundation
import NIOCore

/// Looks at a run from outside, ten times a second: what processor time, memory and disk it takes.
actor RunSampler {
    struct Sample: Sendable {
        /// After the start of what is measured.
        var seconds: Double
        var receipted: Int
        var logBytes: Int
        var residentBytes: Int
        var client: CPUSeconds
        var daemon: CPUSeconds
        /// Processor seconds of the daemon's threads, in the first and the last sample only.
        var daemonThreads: [String: Double] = [:]
    }

    private let daemon: DaemonProcess
    private let data: String
    private let receipted: @Sendable () -> Int
    private let start: NIODeadline
    private var samples: [Sample] = []
    private var task: Task<Void, Never>?

    /// - Parameters:
    ///   - delayNanoseconds: how long from now what is measured begins.
    ///   - show: told how many records are receipted.
    init(
        _ daemon: DaemonProcess, data: String, delayNanoseconds: UInt64, receipted: @escaping @Sendable () -> Int
    ) {
        (self.daemon, self.data, self.receipted) = (daemon, data, receipted)
        start = .now() + .nanoseconds(Int64(delayNanoseconds))
    }

    func begin(show: @escaping @Sendable (Int) -> Void) {
        if start <= .now() { sampleWithThreads() }
        task = Task {
            let wait = start - .now()
            if wait > .nanoseconds(0) {
                try? await Task.sleep(for: .nanoseconds(wait.nanoseconds))
                sampleWithThreads()
            }
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(100))
                if !Task.isCancelled { sample() }
                show(receipted())
            }
        }
    }

    /// The samples, with a last one of now.
    func end() async -> [Sample] {
        task?.cancel()
        await task?.value
        sampleWithThreads()
        return samples
    }

    private func sampleWithThreads() {
        sample()
        samples[samples.count - 1].daemonThreads = CPUSeconds.ofThreads(of: daemon.processID)
    }

    private func sample() {
        samples.append(
            Sample(
                seconds: Double((NIODeadline.now() - start).nanoseconds) / 1e9, receipted: receipted(),
                logBytes: (try? logByteCount(of: data)) ?? 0,
                residentBytes: statusByteCount("VmRSS", ofProcess: daemon.processID), client: .ofThisProcess,
                daemon: daemon.cpuSeconds))
    }
}
