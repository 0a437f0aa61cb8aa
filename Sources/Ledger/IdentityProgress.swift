import Locks
import Storage

/// What a checkpoint may say of the identity index: written by the committer, which owns the index, read by the checkpointer.
/// Never newer than the index is, and of files that are durable.
///
/// A file that another replaces is obsolete from then on. The next checkpoint does not name it; once that is saved for good
/// nobody looks for the file any more, and it is removed. A start removes what a process left behind that did not get so far.
final class IdentityProgress: Sendable {
    private struct Value {
        var from: UInt64
        var files: [String]
        var obsoleteFiles: [String]
    }

    private let value: Lock<Value>
    private let directory: String
    private let fileSystem: any FileSystem

    /// - Parameters:
    ///   - end: the log's end.
    ///   - directory: where the index has its files.
    init(_ index: IdentityIndex, end: UInt64, directory: String, fileSystem: any FileSystem) {
        self.directory = directory
        self.fileSystem = fileSystem
        value = Lock(Value(from: 1, files: [], obsoleteFiles: []))
        update(index, end: end)
    }

    func update(_ index: IdentityIndex, end: UInt64) {
        guard index.hasDurableFiles else { return }
        let (from, files, replaced) = (
            index.firstSequenceOnlyInMemory(end: end), index.fileNames, index.takeReplacedFileNames()
        )
        value.withLock { $0 = Value(from: from, files: files, obsoleteFiles: $0.obsoleteFiles + replaced) }
    }

    /// - Returns: what a checkpoint says, and the files that may go once it is saved for good.
    func checkpoint(sequence: UInt64) -> (checkpoint: Catalogue.Checkpoint, obsoleteFiles: [String]) {
        let value = value.withLock(\.self)
        return (
            Catalogue.Checkpoint(sequence: sequence, identityFrom: value.from, identityFiles: value.files),
            value.obsoleteFiles
        )
    }

    /// Removes files that no checkpoint names any more. One that cannot be removed is tried again after the next checkpoint.
    func remove(obsoleteFiles names: [String]) throws(StorageError) {
        for name in names {
            do throws(StorageError) {
                try fileSystem.remove(directory + "/" + name)
            } catch {
                guard error.isNotFound else { throw error }
            }
            value.withLock { $0.obsoleteFiles.removeAll { $0 == name } }
        }
    }
}
