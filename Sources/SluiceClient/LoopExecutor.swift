import NIOCore

/// Runs tasks on the thread of an event loop.
///
/// A sender that runs there hands its batches to the connection without another thread having to wake up, and their bytes are
/// still in the processor's caches when they are written.
final class LoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
