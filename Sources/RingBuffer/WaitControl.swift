/// Takes over how threads wait, so that a simulation decides which one goes on and when time passes.
///
/// The rules are those of `Doorbell`: a waiter looks at its condition when it begins to wait, and again only after its bell
/// was rung or its time is over. A change that nobody rings for is not seen, which the real bell's spin may hide.
public protocol WaitControl: AnyObject, Sendable {
    /// Waits until `condition` holds.
    /// - Returns: false when the time passed and the condition still does not hold.
    func wait(on bell: Doorbell, timeoutNanoseconds: Int64?, until condition: () -> Bool) -> Bool
    /// The bell was rung: those who wait on it may look again.
    func didRing(_ bell: Doorbell)
}
