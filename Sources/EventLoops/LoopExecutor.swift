import NIOCore

/// Runs tasks on the thread of an event loop.
///
/// What runs there hands bytes to a connection, and takes them from it, without another thread having to wake up, and they are
/// still in the processor's caches.
package final class LoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    /// Runs tasks on the thread of `eventLoop`.
    package init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Runs a part of a task when the loop comes to it.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
