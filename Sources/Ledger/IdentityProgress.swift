import Locks
import Storage

/// What a checkpoint may say of the identity index: written by the committer, which owns the index, read by the checkpointer.
/// Never newer than the index is.
final class IdentityProgress: Sendable {
    private let value: Lock<(from: UInt64, files: [String])>

    init(_ index: IdentityIndex, end: UInt64) {
        value = Lock((index.firstSequenceOnlyInMemory(end: end), index.fileNames))
    }

    func update(_ index: IdentityIndex, end: UInt64) {
        let (from, files) = (index.firstSequenceOnlyInMemory(end: end), index.fileNames)
        value.withLock { $0 = (from, files) }
    }

    func checkpoint(sequence: UInt64) -> Catalogue.Checkpoint {
        value.withLock { Catalogue.Checkpoint(sequence: sequence, identityFrom: $0.from, identityFiles: $0.files) }
    }
}
