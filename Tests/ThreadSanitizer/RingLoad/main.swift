import Foundation

// ring-load [ITEMS [PRODUCERS]]: sends items through the ring, from 2 producers to 2 consumers unless told otherwise, in
// rounds of at most 100 million. Exit code 1 when an item is lost, doubled, torn or out of order; the sanitizer has its own.

func argument(_ index: Int, _ standard: Int) -> Int {
    CommandLine.arguments.count > index ? Int(CommandLine.arguments[index]) ?? standard : standard
}

let itemCount = argument(1, 1_000_000_000)
let producerCount = argument(2, 2)
let started = ContinuousClock.now
var (done, waited, misplaced) = (0, 0, 0)
while done < itemCount {
    let count = min(100_000_000, itemCount - done)
    let load = RingLoad(producerCount: producerCount, itemCount: count, capacity: 8192, largestBatch: 1024)
    let findings = load.run()
    for finding in findings where finding != load.expected {
        print(
            "a consumer saw \(finding.itemCount) items, \(finding.misplacedCount) of them misplaced; expected \(load.expected.itemCount)"
        )
        exit(1)
    }
    done += count
    waited += load.waitedCount
    misplaced += findings.reduce(0) { $0 + $1.misplacedCount }
}
let seconds = (ContinuousClock.now - started) / .seconds(1)
print(
    "\(done) items, \(misplaced) misplaced, \(waited) claims waited for room, \(String(format: "%.1f", seconds)) s")
