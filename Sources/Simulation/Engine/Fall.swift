import Storage
import Synchronization

/// The moment at which a simulated machine falls over: at one operation of its disk, before or after it happens.
///
/// What is on the disk then, and what the world outside knows then, is kept. Every later operation fails, so that the engine
/// winds up; nothing that it still does or says reached anybody.
final class Fall: Sendable {
    /// What is left.
    struct Remains: Sendable {
        var image: DiskImage
        /// Entries of the journal.
        var knownCount: Int
        var operation: DiskOperation
    }

    private let remains = Mutex<Remains?>(nil)

    /// What is left once the machine has fallen.
    var result: Remains? { remains.withLock { $0 } }

    /// Falls at an operation of `disk` that changes something.
    /// - Parameter changeIndex: counted over the disk's life.
    init(of disk: SimulatedDisk, atChange changeIndex: Int, _ moment: SimulatedDisk.Moment, journal: Journal) {
        disk.setObserver { [self] operation, at, image in
            guard at == moment, operation.kind.isChange, operation.changeIndex == changeIndex else { return }
            remains.withLock { $0 = Remains(image: image(), knownCount: journal.count, operation: operation) }
        }
        disk.setFaults { [self] _ in result == nil ? nil : .error(errno: DiskErrorNumber.inputOutput) }
    }
}
