import ArgumentParser
import Foundation
import Glibc
import Synchronization
import Tables

/// Ends this process when work goes on although it should have stopped.
final class OverdueWatch: Sendable {
    private let seconds: Double
    private let graceSeconds: Double
    private let stop: StopSignal
    private let isOver = Atomic(false)

    private static let lookMicroseconds: UInt32 = 100_000

    /// - Parameters:
    ///   - seconds: as long as the work may take.
    ///   - graceSeconds: how much later it has to have ended, after these or after a stop was asked for.
    init(seconds: Double, graceSeconds: Double, stop: StopSignal) {
        (self.seconds, self.graceSeconds, self.stop) = (seconds, graceSeconds, stop)
    }

    func begin() { Thread.detachNewThread { [self] in look() } }

    func end() { isOver.store(true, ordering: .releasing) }

    private func look() {
        let start = ContinuousClock.now
        var due = start + .seconds(seconds + graceSeconds)
        var isAsked = false
        while !isOver.load(ordering: .acquiring) {
            if stop.isSet, !isAsked {
                isAsked = true
                due = min(due, .now + .seconds(graceSeconds))
            }
            if ContinuousClock.now > due {
                complain("sluice: stopped: it went on for \(Int(graceSeconds)) seconds after it should have ended")
                _exit(ExitCode.stopped.rawValue)
            }
            usleep(OverdueWatch.lookMicroseconds)
        }
    }
}
