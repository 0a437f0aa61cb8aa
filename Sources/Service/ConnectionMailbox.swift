import Ledger
import NIOCore
import Synchronization

/// What the ledger's threads leave for a connection, until its event loop takes it.
///
/// However many answers come before the loop gets to them, it is woken once and takes them all, so that they leave in one
/// write.
final class ConnectionMailbox: BatchOwner {
    private struct Mail {
        var answers: [BatchAnswer] = []
        var admitted = false
        var isScheduled = false
    }

    private let mail = Mutex(Mail())
    private let eventLoop: any EventLoop
    private let reader: NIOLoopBoundBox<StreamHandler?>

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        reader = .makeEmptyBox(eventLoop: eventLoop)
    }

    /// Who takes the mail; nil when the connection is gone and nobody does. On the event loop only.
    func setReader(_ handler: StreamHandler?) { reader.value = handler }

    func ledgerDidAdmitWaitingBatch() { leave { $0.admitted = true } }

    func ledgerDidAnswer(_ answers: [BatchAnswer]) { leave { $0.answers += answers } }

    private func leave(_ change: (inout Mail) -> Void) {
        let mustWake = mail.withLock { mail in
            change(&mail)
            defer { mail.isScheduled = true }
            return !mail.isScheduled
        }
        if mustWake { eventLoop.execute { self.deliver() } }
    }

    private func deliver() {
        let taken = mail.withLock { mail in
            defer { mail = Mail() }
            return mail
        }
        reader.value?.take(answers: taken.answers, admitted: taken.admitted)
    }
}
