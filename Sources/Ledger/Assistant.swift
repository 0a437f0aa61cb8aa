import Columns
import Locks
import RingBuffer

/// The thread that works for the committer while that has more to do than one thread can: it chains the records of a block
/// and encodes some of its columns.
final class Assistant: EncodingAssistant {
    private struct State {
        var tasks: [@Sendable () -> Void] = []
        var isWorking = false
        var isClosing = false
    }

    private let state = Lock(State())
    private let work: Doorbell
    private let done: Doorbell

    init(on machine: any Machine) {
        work = machine.makeDoorbell()
        done = machine.makeDoorbell()
    }

    func begin(_ task: @escaping @Sendable () -> Void) {
        state.withLock { $0.tasks.append(task) }
        work.ring()
    }

    func finish() { _ = done.wait { state.withLock { $0.tasks.isEmpty && !$0.isWorking } } }

    /// Ends the thread once it has nothing to do.
    func close() {
        state.withLock { $0.isClosing = true }
        work.ring()
    }

    func run() {
        while true {
            _ = work.wait { state.withLock { !$0.tasks.isEmpty || $0.isClosing } }
            let task = state.withLock { state -> (@Sendable () -> Void)? in
                guard !state.tasks.isEmpty else { return nil }
                state.isWorking = true
                return state.tasks.removeFirst()
            }
            guard let task else { return }
            task()
            state.withLock { $0.isWorking = false }
            done.ring()
        }
    }
}
