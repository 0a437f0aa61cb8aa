import Locks
import RingBuffer

/// Lets one thread at a time use a value for as long as that takes, reading files and waiting for others included.
///
/// Unlike a `Lock`, it waits on a bell of the machine's, so that a simulated machine knows who waits.
final class TurnLock<Value>: Sendable {
    private struct State: @unchecked Sendable {
        var isTaken = false
        let value: Value
    }

    private let state: Lock<State>
    private let bell: Doorbell

    init(_ value: Value, on machine: any Machine) {
        state = Lock(State(value: value))
        bell = machine.makeDoorbell()
    }

    /// Runs `body` once nobody else uses the value.
    func withLock<Result>(_ body: (Value) throws -> Result) rethrows -> Result {
        _ = bell.wait {
            state.withLock { state in
                if state.isTaken { return false }
                state.isTaken = true
                return true
            }
        }
        defer {
            state.withLock { $0.isTaken = false }
            bell.ring()
        }
        return try body(state.withLock { $0.value })
    }
}
