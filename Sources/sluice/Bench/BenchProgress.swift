import Presentation
import Synchronization

/// The progress line of a benchmark, which several threads write to.
final class BenchProgress: Sendable {
    private let line = Mutex(ProgressLine())

    func show(_ text: String) { line.withLock { $0.show(text) } }
    func finish() { line.withLock { $0.finish() } }
}
