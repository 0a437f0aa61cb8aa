import Foundation
import NIOCore
import NIOPosix
import ReferenceDay
import SluiceClient
import Synchronization

/// Streams records to a daemon over one or more connections and measures what comes back.
///
/// The connections are like instances of one gateway behind a balancer: the day's batches are dealt out to them in order, in
/// a closed loop each to the first that has credit for it, in an open loop to each in turn.
final class StreamRun: Sendable {
    private struct Connection: Sendable {
        let client: SluiceClient
        let meter: ConnectionMeter
        let eventLoop: any EventLoop
    }

    private let plan: StreamPlan
    /// Half of the processors serve connections. They live as long as the process, so that clients can end on them.
    private static let group = MultiThreadedEventLoopGroup(
        numberOfThreads: max(1, ProcessInfo.processInfo.activeProcessorCount / 2))
    private let loopMeters: [StreamMeter]
    private let connections: [Connection]
    /// The record with which the next batch of a closed loop begins.
    private let next = Atomic<Int>(0)
    let clock = StreamClock()

    /// Connects.
    init(to address: ServerAddress, plan: StreamPlan) async throws {
        let eventLoops = Array(StreamRun.group.makeIterator().prefix(plan.connections))
        let meters = eventLoops.map { _ in StreamMeter(plan) }
        var configuration = ClientConfiguration(sources: ReferenceDay.sources.map { .code(UInt16($0.code)) })
        configuration.clientName = "sluice bench"
        configuration.windowBatches = plan.windowBatches
        configuration.compressesBatches = plan.compressesBatches
        configuration.reconnectMilliseconds = 0
        var connections: [Connection] = []
        do {
            for number in 0..<plan.connections {
                let place = number % eventLoops.count
                let meter = ConnectionMeter(meters[place], clock: clock, windowBatches: plan.windowBatches)
                let client = try await SluiceClient.connect(
                    to: address, configuration: configuration, group: eventLoops[place]
                ) { meter.take($0) }
                connections.append(Connection(client: client, meter: meter, eventLoop: eventLoops[place]))
            }
        } catch {
            for connection in connections { await connection.client.close() }
            throw error
        }
        (self.plan, self.connections, loopMeters) = (plan, connections, meters)
    }

    /// Records receipted so far.
    var receiptedCount: Int { loopMeters.reduce(0) { $0 + $1.receipted.load(ordering: .relaxed) } }

    /// Streams all records, once, and waits for their receipts.
    /// - Returns: what was measured, and the seconds from the start of what is measured to the last receipt.
    func stream(_ day: GeneratedDay) async throws -> (meter: StreamMeter, seconds: Double) {
        clock.begin(inNanoseconds: plan.schedule == nil ? 0 : 10_000_000)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for (number, connection) in connections.enumerated() {
                tasks.addTask(executorPreference: connection.client.executor) { [self] in
                    if let schedule = plan.schedule {
                        try await send(day, on: connection, number: number, schedule)
                    } else {
                        try await send(day, on: connection)
                    }
                    try await connection.client.settle()
                }
            }
            try await tasks.waitForAll()
        }
        let seconds = Double(clock.nanoseconds - plan.measuredStartNanoseconds) / 1e9
        let meter = sum
        if let refusal = meter.refusal { throw refusal }
        return (meter, seconds)
    }

    /// What all connections measured; once the stream has ended, well or not.
    private var sum: StreamMeter {
        let sum = StreamMeter(plan)
        for meter in loopMeters { sum.add(meter) }
        return sum
    }

    /// What became of the records; once the stream has ended and the connections are closed.
    var totals: StreamMeter.Totals { sum.totals }

    /// Closed loop: the next batch as soon as there is credit, from which moment on its latency counts.
    private func send(_ day: GeneratedDay, on connection: Connection) async throws {
        while true {
            let start = next.wrappingAdd(plan.batchRecordCount, ordering: .relaxed).oldValue
            guard start < plan.recordCount else { return }
            let records = start..<min(start + plan.batchRecordCount, plan.recordCount)
            try await connection.client.send(recordCount: records.count) { slot in
                connection.meter.willSend(records)
                slot.copyMemory(from: day.bytes(records, from: plan.firstRecord))
            }
        }
    }

    /// Open loop: each batch when it is due; when the window is full then, as soon as it is not.
    private func send(
        _ day: GeneratedDay, on connection: Connection, number: Int, _ schedule: OpenLoopSchedule
    ) async throws {
        for batch in stride(from: number, to: schedule.batchCount, by: connections.count) {
            let records = schedule.records(ofBatch: batch)
            let due = schedule.dueNanoseconds(ofBatch: batch)
            await sleep(until: clock.deadline(nanoseconds: due), on: connection.eventLoop)
            connection.meter.willSend(records, dueNanoseconds: due)
            try await connection.client.sendBatch(day.bytes(records, from: plan.firstRecord))
        }
    }

    private func sleep(until deadline: NIODeadline, on eventLoop: any EventLoop) async {
        guard deadline > .now() else { return }
        await withCheckedContinuation { continuation in
            eventLoop.scheduleTask(deadline: deadline) { continuation.resume() }
        }
    }

    func close() async {
        for connection in connections { await connection.client.close() }
    }
}
