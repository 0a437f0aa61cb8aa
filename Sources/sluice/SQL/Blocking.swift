import Dispatch
import Foundation

/// Runs blocking work on a thread of its own.
func onOwnThread(_ work: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let thread = Thread { continuation.resume(with: Result { try work() }) }
        thread.stackSize = 16 << 20
        thread.start()
    }
}

/// Waits on such a thread for work of tasks.
func waiting<Outcome: Sendable>(
    for work: @escaping @Sendable () async throws -> sending Outcome
) throws -> Outcome {
    let box = OutcomeBox<Outcome>()
    Task {
        do { box.result = .success(try await work()) } catch { box.result = .failure(error) }
        box.done.signal()
    }
    box.done.wait()
    return try box.result!.get()
}

/// What came of a task, on its way to a thread that waits for it.
private final class OutcomeBox<Outcome>: @unchecked Sendable {
    let done = DispatchSemaphore(value: 0)
    /// Written before the signal, read after it.
    var result: Result<Outcome, any Error>?
}
