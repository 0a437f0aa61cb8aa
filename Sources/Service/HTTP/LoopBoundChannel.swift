import EventLoops
import HummingbirdCore
import Logging
import NIOCore

/// Has the requests of a connection read, decided and answered on the thread where its bytes come in: handing each to another
/// thread and back costs more than all that is done with it. What blocks has threads of its own.
struct LoopBoundChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        base.setup(channel: channel, logger: logger)
    }

    func handle(value: Base.Value, logger: Logger) async {
        await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) {
            await base.handle(value: value, logger: logger)
        }
    }
}
