import Ledger
import NIOCore
import Synchronization

/// What other threads leave for a connection, until its event loop takes it.
///
/// However much comes before the loop gets to it, it is woken once and takes it all, so that answers leave in one write. What
/// comes after the connection's end goes nowhere: the loop may be gone then, and is not asked.
final class ConnectionMailbox: BatchOwner {
    /// The answer to a request, to be carried out on the event loop.
    typealias Reply = @Sendable (StreamHandler) -> Void

    private struct Mail {
        var answers: [BatchAnswer] = []
        var admitted = false
        var replies: [Reply] = []
    }

    private struct State {
        var mail = Mail()
        var isScheduled = false
        var isClosed = false
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop
    private let reader: NIOLoopBoundBox<StreamHandler?>

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        reader = .makeEmptyBox(eventLoop: eventLoop)
    }

    /// Who takes the mail. On the event loop only.
    func open(for handler: StreamHandler) { reader.value = handler }

    /// The connection is gone, and nobody takes the mail any more. On the event loop only.
    func close() {
        reader.value = nil
        state.withLock { $0 = State(isClosed: true) }
    }

    func ledgerDidAdmitWaitingBatch() { leave { $0.admitted = true } }

    func ledgerDidAnswer(_ answers: [BatchAnswer]) { leave { $0.answers += answers } }

    /// Leaves an answer to a request.
    func leave(_ reply: @escaping Reply) { leave { $0.replies.append(reply) } }

    private func leave(_ change: (inout Mail) -> Void) {
        // The loop is woken under the lock: while the mailbox is open its connection is, and so the loop.
        state.withLock { state in
            guard !state.isClosed else { return }
            change(&state.mail)
            guard !state.isScheduled else { return }
            state.isScheduled = true
            eventLoop.execute { self.deliver() }
        }
    }

    private func deliver() {
        let mail = state.withLock { state in
            defer {
                state.mail = Mail()
                state.isScheduled = false
            }
            return state.mail
        }
        guard let handler = reader.value else { return }
        handler.take(answers: mail.answers, admitted: mail.admitted)
        for reply in mail.replies { reply(handler) }
    }
}
