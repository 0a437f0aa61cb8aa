import Foundation
import Presentation

/// Runs of `bench ingest`, each with a daemon and a ledger of its own.
struct IngestBench {
    let plan: StreamPlan
    let day: GeneratedDay
    /// What is streamed once the day was; nil: nothing.
    let replay: GeneratedDay?
    let progress: BenchProgress

    /// Streams a part of the day into a ledger that is thrown away.
    func warmUp(recordCount: Int) async throws {
        var plan = plan
        plan.recordCount = recordCount
        try await withTemporaryDirectory { data in
            let daemon = try DaemonProcess(data: data + "/ledger")
            defer { daemon.stop() }
            _ = try await pass("warming up", plan, day, to: daemon, data: data + "/ledger")
        }
    }

    /// - Parameter data: where the ledger is kept; nil: nowhere.
    func run(_ title: String, data: String?) async throws -> IngestResult {
        guard let data else {
            return try await withTemporaryDirectory { try await run(title, data: $0 + "/ledger") }
        }
        let daemon = try DaemonProcess(data: data)
        defer { daemon.stop() }
        let first = try await pass(title, plan, day, to: daemon, data: data)
        var second: PassResult?
        if let replay { second = try await pass(title + ", the day again", plan, replay, to: daemon, data: data) }
        let residentBytes = daemon.peakResidentBytes
        daemon.stop()
        let byteCount = try logByteCount(of: data)
        return IngestResult(
            pass: first, replay: second,
            bytesPerRecord: first.accepted == 0 ? 0 : Double(byteCount) / Double(first.accepted),
            composition: try LogComposition(of: data), peakResidentBytes: residentBytes)
    }

    private func pass(
        _ title: String, _ plan: StreamPlan, _ day: GeneratedDay, to daemon: DaemonProcess, data: String
    ) async throws -> PassResult {
        let run = try await StreamRun(to: daemon.address, plan: plan)
        let sampler = RunSampler(
            daemon, data: data, delayNanoseconds: plan.measuredStartNanoseconds, receipted: { run.receiptedCount })
        await sampler.begin { [progress] receipted in
            progress.show("\(title): \(formatCount(receipted)) of \(formatCount(plan.recordCount)) records")
        }
        do {
            let (meter, seconds) = try await run.stream(day)
            let samples = await sampler.end()
            await run.close()
            return PassResult(meter: meter, plan: plan, seconds: seconds, samples: samples)
        } catch {
            _ = await sampler.end()
            await run.close()
            throw error
        }
    }
}

/// Runs `work` with a new directory, which is removed afterwards.
func withTemporaryDirectory<Value>(_ work: (String) async throws -> Value) async throws -> Value {
    let path = FileManager.default.temporaryDirectory.appending(path: "sluice-bench-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await work(path)
}
