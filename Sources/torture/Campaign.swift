import ArgumentParser
import Foundation
import Simulation
import Synchronization

/// Many independent attempts, several at a time, with progress on a terminal, and a verdict in the end.
final class Campaign: Sendable {
    private struct State {
        var done = 0
        var faultyCount = 0
        var lastShown = ContinuousClock.now
    }

    private let name: String
    private let expectedCount: Int
    private let jobs: Int
    private let started = ContinuousClock.now
    private let state = Mutex(State())
    private let showsProgress = isatty(2) == 1

    /// - Parameters:
    ///   - name: what is attempted, in the plural.
    ///   - expectedCount: attempts in all.
    ///   - jobs: attempts at the same time.
    init(_ name: String, expectedCount: Int, jobs: Int) {
        self.name = name
        self.expectedCount = expectedCount
        self.jobs = jobs
    }

    /// Does attempts 0 to `count` - 1.
    /// - Parameter body: returns what went wrong; it may block its thread.
    func attempt(_ count: Int, _ body: @escaping @Sendable (Int) -> [String]) {
        Crew(jobs: jobs).perform(count) { [self] number in note(body(number)) }
    }

    /// Prints the verdict.
    /// - Throws: the exit code 1 when anything went wrong.
    func finish() throws { if !printVerdict() { throw ExitCode.failure } }

    /// Prints the verdict.
    /// - Returns: false when anything went wrong.
    func printVerdict() -> Bool {
        let (done, faultyCount) = state.withLock { ($0.done, $0.faultyCount) }
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        if showsProgress { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
        print("\(done) \(name), \(faultyCount) with faults, \(String(format: "%.1f", seconds)) s")
        return faultyCount == 0
    }

    private func note(_ faults: [String]) {
        for fault in faults { print(fault) }
        state.withLock { state in
            state.done += 1
            if !faults.isEmpty { state.faultyCount += 1 }
            guard showsProgress, ContinuousClock.now - state.lastShown > .milliseconds(200) else { return }
            state.lastShown = .now
            FileHandle.standardError.write(
                Data("\r\u{1B}[K\(state.done) of \(expectedCount) \(name), \(state.faultyCount) with faults".utf8))
        }
    }
}

/// Sums over attempts on several threads.
final class Counts: Sendable {
    private let state = Mutex((found: 0, withoutEffect: 0))

    var found: Int { state.withLock { $0.found } }
    var withoutEffect: Int { state.withLock { $0.withoutEffect } }

    func add(_ found: Int, _ withoutEffect: Int) {
        state.withLock { state in
            state.found += found
            state.withoutEffect += withoutEffect
        }
    }
}
