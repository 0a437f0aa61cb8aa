import Foundation
import Ledger
import Testing

@Suite struct HTTPMetricsTests {
    /// Values by name with labels, as in `sluice_ring_slots` and `sluice_sequence{stage="saved"}`.
    private func samples(_ text: String) throws -> [String: Double] {
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        let pairs = try lines.map { line in
            let space = try #require(line.lastIndex(of: " "))
            return (String(line[..<space]), try #require(Double(line[line.index(after: space)...])))
        }
        let values = Dictionary(pairs) { first, _ in first }
        #expect(values.count == pairs.count, "a sample comes twice")
        return values
    }

    @Test func everyStageHasItsFigures() async throws {
        try await withHTTP { peer in
            let rows = (1...3).map {
                #"{"id":"\#($0 % 2)","time":"2026-11-20T09:30:00Z","amount":"\#($0 == 3 ? 1 : 5)","currency":"VND","source":"shop"}"#
            }
            #expect(try await peer.post(rows[0...1].joined(separator: "\n").utf8, "application/x-ndjson").status == 200)
            #expect(try await peer.post(rows[0...2].joined(separator: "\n").utf8, "application/x-ndjson").status == 207)
            #expect(try await peer.get("/v1/nowhere").status == 404)
            let reply = try await peer.get("/metrics")
            #expect(reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            let values = try samples(reply.body)
            let expected: [String: Double] = [
                #"sluice_records_total{verdict="accepted"}"#: 2, #"sluice_records_total{verdict="duplicate"}"#: 2,
                #"sluice_records_total{verdict="conflict"}"#: 1, #"sluice_records_total{verdict="rejected"}"#: 0,
                #"sluice_batches_total{answer="receipt"}"#: 2, #"sluice_batches_total{answer="refused"}"#: 0,
                "sluice_commit_records_count": 2, "sluice_commit_records_sum": 2,
                #"sluice_commit_records_bucket{le="0.0"}"#: 1, #"sluice_commit_records_bucket{le="10.0"}"#: 2,
                #"sluice_sequence{stage="durable"}"#: 2, #"sluice_names{space="source"}"#: 1, "sluice_writing": 1,
                "sluice_ring_slots": Double(LedgerOptions().ringSlotCount), "sluice_stream_connections": 0,
                #"sluice_http_requests_total{method="POST",route="/v1/transactions",status="207"}"#: 1,
                #"sluice_http_request_seconds_count{method="POST",route="/v1/transactions"}"#: 2,
            ]
            for (name, value) in expected { #expect(values[name] == value, "\(name)\n\(reply.body)") }
            #expect(values.contains { $0.key.contains(#"status="404""#) && $0.value == 1 })
            #expect(try #require(values["sluice_flush_seconds_count"]) >= 2)
            #expect(try #require(values["sluice_log_written_bytes_total"]) > 0)
            #expect(try #require(values["sluice_disk_free_bytes"]) > 0)
            #expect(try #require(values["process_resident_memory_bytes"]) > 0)
        }
    }

    @Test func histogramsCountUpToTheirBounds() {
        var histogram = Histogram(bounds: [1, 2])
        [0.5, 1, 1.5, 2, 2.5].forEach { histogram.add($0) }
        #expect(histogram.counts == [2, 2, 1] && histogram.count == 5 && histogram.sum == 7.5)
    }
}
