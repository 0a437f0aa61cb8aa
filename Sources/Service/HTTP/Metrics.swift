import CPlatform
import Foundation
import Hummingbird
import Ledger
import Transactions

/// `GET /metrics`: a figure for every stage of the way of a record, for Prometheus.
struct Metrics: Sendable {
    let ledger: Ledger
    let requests: RequestFigures
    let slowLane: SlowLane
    /// Connections of the stream protocol.
    let streamConnectionCount: @Sendable () -> Int

    func answer(_ request: Request) throws -> Response {
        _ = try RequestQuery(request, known: [])
        var metrics = MetricsText()
        write(ledger.figures(), to: &metrics)
        requests.write(to: &metrics)
        metrics.counter(
            "sluice_rests_total", "Times that a client with old records had to wait for those with new ones.",
            slowLane.restCount)
        metrics.gauge("sluice_stream_connections", "Open connections of the stream protocol.", streamConnectionCount())
        metrics.gauge(
            "process_resident_memory_bytes", "Memory of the process that is in RAM.", sluice_resident_bytes())
        if let free = freeDiskBytes {
            metrics.gauge("sluice_disk_free_bytes", "Bytes that are free where the ledger is.", free)
        }
        return Response(metrics.text, contentType: "text/plain; version=0.0.4; charset=utf-8")
    }

    private func write(_ figures: LedgerFigures, to metrics: inout MetricsText) {
        let flow = figures.flow
        metrics.gauge(
            "sluice_writing", "1 while transactions can be made durable, 0 after a write or flush failed.",
            figures.failure == nil ? 1 : 0)
        metrics.gauge("sluice_ring_slots", "Slots of the ring.", figures.ringSlots)
        metrics.gauge("sluice_ring_used_slots", "Slots with records on their way.", figures.usedRingSlots)
        metrics.gauge(
            "sluice_ring_waiting_claims", "Batches that wait for slots; their clients are held back.",
            figures.waitingClaims)
        metrics.counters(
            "sluice_records_total", "Records by what they were found to be.",
            [
                ([("verdict", "accepted")], flow.accepted), ([("verdict", "duplicate")], flow.duplicates),
                ([("verdict", "conflict")], flow.conflicts), ([("verdict", "rejected")], flow.rejected),
            ])
        metrics.counters(
            "sluice_batches_total", "Batches by how they were answered.",
            [([("answer", "receipt")], flow.receiptedBatches), ([("answer", "refused")], flow.refusedBatches)])
        metrics.histograms("sluice_commit_records", "New records of a commit.", [([], flow.commitRecords)])
        metrics.histograms(
            "sluice_commit_seconds", "From the ring to the receipts, for each commit.", [([], flow.commitSeconds)])
        metrics.histograms("sluice_flush_seconds", "fdatasync of each block.", [([], flow.flushSeconds)])
        metrics.counter("sluice_log_written_bytes_total", "Bytes of blocks that were written.", flow.writtenBytes)
        metrics.gauges(
            "sluice_sequence", "The last sequence that is durable, counted in memory, and saved as statistics.",
            label: "stage",
            [
                ("durable", figures.durableSequence), ("counted", figures.countedSequence),
                ("saved", figures.savedSequence),
            ])
        metrics.gauge(
            "sluice_saving", "1 while statistics can be saved, 0 while that fails.",
            figures.savingFailure == nil ? 1 : 0)
        metrics.gauges(
            "sluice_names", "Names by space.", label: "space",
            NameSpace.ofRecords.map { ($0.name, figures.names[$0] ?? 0) })
    }

    private var freeDiskBytes: Int64? {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: ledger.files.directory)
        return (attributes?[.systemFreeSize] as? NSNumber)?.int64Value
    }
}
