import CSQLite
import Synchronization

/// What a statement may take. Beyond that it is stopped.
public struct QueryLimits: Sendable {
    /// Seconds from its beginning.
    public var seconds = 300.0
    /// Steps of SQLite's virtual machine.
    public var stepCount = 100_000_000_000
    /// Bytes of memory that SQLite may use. The limit holds for all of the process.
    public var memoryByteCount = 512 << 20
    /// Bytes of a text, a blob or a row.
    public var valueByteCount = 16 << 20
    /// Bytes of the statement.
    public var statementByteCount = 1 << 20

    /// The usual ones.
    public init() {}

    /// Sets those that SQLite itself looks to.
    func apply(to database: OpaquePointer?) {
        let limits: [(Int32, Int)] = [
            (SQLITE_LIMIT_LENGTH, valueByteCount), (SQLITE_LIMIT_SQL_LENGTH, statementByteCount),
            (SQLITE_LIMIT_COLUMN, 1000), (SQLITE_LIMIT_EXPR_DEPTH, 200), (SQLITE_LIMIT_COMPOUND_SELECT, 100),
            (SQLITE_LIMIT_VDBE_OP, 1_000_000), (SQLITE_LIMIT_FUNCTION_ARG, 100), (SQLITE_LIMIT_ATTACHED, 0),
            (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000), (SQLITE_LIMIT_VARIABLE_NUMBER, 100),
            (SQLITE_LIMIT_TRIGGER_DEPTH, 1), (SQLITE_LIMIT_WORKER_THREADS, 0),
        ]
        for (limit, value) in limits { sqlite3_limit(database, limit, Int32(value)) }
    }
}

/// Asks a statement to stop, from another thread or a signal's handler.
public final class StopSignal: Sendable {
    private let isRaised = Atomic<Bool>(false)

    /// Not raised.
    public init() {}

    /// Asks for a stop, as soon as may be.
    public func raise() { isRaised.store(true, ordering: .relaxed) }

    /// Takes the request back, before the next statement.
    public func clear() { isRaised.store(false, ordering: .relaxed) }

    /// True when a stop was asked for.
    public var isSet: Bool { isRaised.load(ordering: .relaxed) }
}

/// Looks, while a statement runs, whether it may go on.
final class Watch {
    /// Steps of SQLite's between two looks.
    static let stepsPerLook = 1000

    private let limits: QueryLimits
    private let stop: StopSignal
    private let end: ContinuousClock.Instant
    private var stepCount = 0
    /// Why the statement has to end.
    private(set) var reason: String?

    init(_ limits: QueryLimits, _ stop: StopSignal) {
        (self.limits, self.stop) = (limits, stop)
        end = ContinuousClock.now + .seconds(limits.seconds)
    }

    /// Called by SQLite; false ends the statement.
    func mayStep() -> Bool {
        stepCount += Watch.stepsPerLook
        if stepCount > limits.stepCount { reason = "stopped: it took more than \(limits.stepCount) steps" }
        return mayGoOn()
    }

    /// Throws when the statement has to end.
    func check() throws {
        if !mayGoOn() { throw SQLFault(SQLITE_INTERRUPT, reason!) }
    }

    private func mayGoOn() -> Bool {
        guard reason == nil else { return false }
        if stop.isSet {
            reason = "interrupted"
        } else if ContinuousClock.now > end {
            reason = "stopped: it took more than \(limits.seconds) seconds"
        }
        return reason == nil
    }
}
