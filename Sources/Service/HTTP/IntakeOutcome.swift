import Formats
import HTTPTypes
import Hummingbird
import Ledger
import Presentation

/// The answer to a body.
enum IntakeAnswer {
    /// All of it is in, or some.
    case taken(String, HTTPResponse.Status)
    /// None of it is in, or the ledger refused.
    case problem(Problem)

    func response() throws -> Response {
        switch self {
        case .taken(let text, let status): Response(text, contentType: "application/json", status: status)
        case .problem(let problem): throw problem
        }
    }

    /// True when the same body may be answered otherwise next time.
    var mayChange: Bool {
        if case .problem(let problem) = self { problem.kind != .conflict && problem.kind != .rejected } else { false }
    }

    /// Bytes that it takes to keep.
    var byteCount: Int {
        switch self {
        case .taken(let text, _): text.utf8.count
        case .problem(let problem): problem.members.reduce(problem.detail.utf8.count) { $0 + $1.json.utf8.count }
        }
    }
}

/// What became of the items of a body.
struct IntakeOutcome {
    private let items: [Int]
    /// By item; those that are not in.
    private var faults: [(item: Int, isConflict: Bool, field: String?, detail: String)]
    private var receipts: [StoredReceipt] = []
    private var refusal: Refusal?
    private var (accepted, duplicates) = (0, 0)
    /// A source of records that is not the client's; they are not in.
    private(set) var foreignSource: UInt16?

    init(_ body: BodyContent, _ answers: [BatchAnswer], ledger: UInt64) {
        items = body.items
        faults = body.rejects.map { ($0.row, false, $0.field, $0.message) }
        for answer in answers {
            let first = Int(answer.batch) * Ledger.largestBatch
            switch answer.result {
            case .failure(let refusal): self.refusal = self.refusal ?? refusal
            case .success(let receipt):
                accepted += receipt.accepted
                duplicates += receipt.duplicates
                receipts.append(StoredReceipt(ledger: ledger, receipt))
                for exception in receipt.exceptions {
                    let reject = RowReject(row: items[first + exception.index], fault: exception.fault)
                    faults.append((reject.row, exception.fault.reason == .conflict, reject.field, reject.message))
                    if exception.fault.reason == .foreignSource {
                        foreignSource = body.records[first + exception.index].source
                    }
                }
            }
        }
        faults.sort { $0.item < $1.item }
    }

    private var conflicts: Int { faults.count(where: \.isConflict) }

    /// What the client is told.
    /// - Parameter isMinimal: leave out the items that are in.
    func answer(isMinimal: Bool) -> IntakeAnswer {
        if let refusal {
            var problem = Problem(refusal)
            problem.members = counts + [receiptsMember]
            return .problem(problem)
        }
        if accepted + duplicates == 0 {
            var problem = Problem(
                conflicts == faults.count ? .conflict : .rejected,
                "of \(faults.count) none is in; the first is item \(faults[0].item): "
                    + (faults[0].field.map { $0 + ": " } ?? "") + faults[0].detail)
            problem.members = counts + [("results", "[\(faults.map(IntakeOutcome.json).joined(separator: ", "))]")]
            return .problem(problem)
        }
        var members = counts
        if !faults.isEmpty { members.append(("results", results(isMinimal: isMinimal))) }
        members.append(receiptsMember)
        let text = members.map { "\(jsonString($0.name)): \($0.json)" }.joined(separator: ", ")
        return .taken("{\(text)}\n", faults.isEmpty ? .ok : .multiStatus)
    }

    private var counts: [(name: String, json: String)] {
        [
            ("accepted", "\(accepted)"), ("duplicates", "\(duplicates)"), ("conflicts", "\(conflicts)"),
            ("rejected", "\(faults.count - conflicts)"),
        ]
    }

    private var receiptsMember: (name: String, json: String) {
        ("receipts", "[\(receipts.map { $0.line.dropLast() }.joined(separator: ", "))]")
    }

    private func results(isMinimal: Bool) -> String {
        var results: [String] = []
        var next = 0
        func addFaults(before item: Int) {
            while next < faults.count, faults[next].item <= item {
                results.append(IntakeOutcome.json(faults[next]))
                next += 1
            }
        }
        if !isMinimal {
            for item in items {
                let isAtFault = next < faults.count && faults[next].item <= item
                addFaults(before: item)
                if !isAtFault || faults[next - 1].item != item {
                    results.append("{\"item\": \(item), \"status\": 200}")
                }
            }
        }
        addFaults(before: .max)
        return "[\(results.joined(separator: ", "))]"
    }

    private static func json(_ fault: (item: Int, isConflict: Bool, field: String?, detail: String)) -> String {
        let kind = fault.isConflict ? Problem.Kind.conflict : .rejected
        let field = fault.field.map { ", \"field\": \(jsonString($0))" } ?? ""
        return
            "{\"item\": \(fault.item), \"status\": \(kind.status.code)\(field), \"detail\": \(jsonString(fault.detail))}"
    }
}
