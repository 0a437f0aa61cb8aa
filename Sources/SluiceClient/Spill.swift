import Glibc
import NIOCore
import StreamProtocol
import Synchronization

/// A batch on its way into the spill.
struct SpillEntry: Sendable {
    /// By which its answer is told: its number, which grows from one batch to the next.
    let key: Int64
    let header: SpillEntryHeader
    let payload: ByteBuffer
    /// The slot that the batch came in, which waits for its being written; nil for a copy of what is still in the window.
    let slot: BatchSlot?

    /// - Parameter isCopy: the batch stays in the window, and is sent from there.
    init(_ slot: BatchSlot, isCopy: Bool) {
        key = Int64(slot.number)
        header = SpillEntryHeader(
            recordCount: slot.recordCount, payloadByteCount: slot.payloadByteCount,
            payloadChecksum: slot.payloadChecksum, number: slot.number)
        payload = slot.frame.getSlice(at: Wire.headerByteCount, length: slot.payloadByteCount)!
        self.slot = isCopy ? nil : slot
    }
}

/// The files of a spill, oldest first. Batches are appended at one end, read in order, and a file goes when every batch
/// of it has its answer.
///
/// Calls block, and belong on threads that may; only `note` is quick.
final class Spill: Sendable {
    private struct State {
        var files: [SpillFile] = []
        var nextFileNumber = 1
        /// Where the next batch is read: a file's number, and the bytes before it.
        var readFile = 0
        var readOffset = 0
        var readKey: Int64 = 0
        var lastWrittenKey: Int64 = 0
        /// Keys of copies that could not be written.
        var unwritten: Set<Int64> = []
        /// Keys that were answered before they were written.
        var early: Set<Int64> = []
        var addressee: SpillAddressee?
        /// After a failed flush nothing more is written.
        var failure: SpillFault?
        var lock: Int32 = -1
    }

    private let configuration: SpillConfiguration
    private let fileByteLimit: Int
    private let state: Mutex<State>
    private let answered = Mutex<[Int64]>([])
    /// What an earlier client left.
    let leftovers: SpillLeftovers

    /// Opens the directory, and checks all that lies there.
    init(_ configuration: SpillConfiguration) throws(SpillFault) {
        self.configuration = configuration
        fileByteLimit = max(1 << 20, configuration.mostBytes / 32)
        let directory = configuration.directory
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw systemFault(directory) }
        var found = State()
        var leftovers = SpillLeftovers()
        found.lock = try Spill.lock(directory)
        do {
            try Spill.adoptFiles(of: directory, &found, &leftovers)
        } catch {
            close(found.lock)
            throw error
        }
        if let first = found.files.first { (found.readFile, found.readOffset) = (first.number, first.headerByteCount) }
        state = Mutex(found)
        self.leftovers = leftovers
    }

    deinit { release() }

    /// Lets another client have the directory.
    func release() {
        state.withLock { state in
            if state.lock >= 0 { close(state.lock) }
            state.lock = -1
            state.failure = .failed(path: configuration.directory, reason: "the client is closed")
        }
    }

    private static func lock(_ directory: String) throws(SpillFault) -> Int32 {
        let path = directory + "/LOCK"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw systemFault(path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            defer { close(descriptor) }
            throw errno == EWOULDBLOCK ? .inUse(directory: directory) : systemFault(path)
        }
        return descriptor
    }

    /// Takes in the files of an earlier client. Of the last one a batch that was being written is cut off; anything else
    /// that is not whole is a fault.
    private static func adoptFiles(
        of directory: String, _ state: inout State, _ leftovers: inout SpillLeftovers
    ) throws(SpillFault) {
        var scanned: [(file: SpillFile, scan: SpillScan)] = []
        for number in try fileNumbers(of: directory) {
            let file = try SpillFile(opening: SpillFile.path(directory, number), number: number)
            scanned.append((file, try file.scan()))
            state.nextFileNumber = number + 1
        }
        var end = -Int64(scanned.reduce(0) { $0 + $1.scan.batchCount })
        for (index, (file, scan)) in scanned.enumerated() {
            if let stop = scan.stop {
                guard index == scanned.count - 1, !scan.hasMoreBehind else {
                    throw .damaged(path: file.path, offset: scan.wholeByteCount, reason: stop)
                }
                leftovers.cutByteCount = file.byteCount - scan.wholeByteCount
            }
            end += Int64(scan.batchCount)
            leftovers.batchCount += scan.batchCount
            leftovers.recordCount += scan.recordCount
            try file.adopt(scan, keysBefore: end)
            if scan.batchCount > 0 { state.files.append(file) } else { unlink(file.path) }
        }
        state.readKey = -Int64(leftovers.batchCount)
    }

    private static func fileNumbers(of directory: String) throws(SpillFault) -> [Int] {
        guard let entries = opendir(directory) else { throw systemFault(directory) }
        defer { closedir(entries) }
        var numbers: [Int] = []
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasSuffix(SpillFile.suffix), let number = Int(name.dropLast(SpillFile.suffix.count)) else {
                continue
            }
            numbers.append(number)
        }
        return numbers.sorted()
    }

    /// Says who this client's batches are for, and that what lies there is for the same.
    func bind(_ addressee: SpillAddressee) throws(SpillFault) {
        try state.withLock { state throws(SpillFault) in
            state.addressee = addressee
            for file in state.files {
                guard let other = file.addressee else { continue }
                if other.ledgerID != addressee.ledgerID {
                    throw .foreign(path: file.path, reason: "its batches are for another ledger")
                }
                let missing = other.sourceCodes.filter { !addressee.sourceCodes.contains($0) }
                if !missing.isEmpty {
                    throw .foreign(
                        path: file.path, reason: "it has sources that this client does not send for: codes \(missing)")
                }
            }
        }
    }

    /// Bytes of all files.
    var byteCount: Int { state.withLock { $0.files.reduce(0) { $0 + $1.byteCount } } }

    // MARK: Writing

    /// Writes what the window has handed over, and says so to it and to the slots; one flush for all of it.
    func write(from window: SendWindow) {
        state.withLock { state in
            let entries = window.takeSpilling()
            guard !entries.isEmpty else { return }
            let (written, fault) = append(entries, &state)
            for entry in entries[written...] {
                if let slot = entry.slot { slot.spillFault = fault } else { state.unwritten.insert(entry.key) }
            }
            let backlog = entries[..<written].count { $0.slot != nil }
            window.spilled(
                entries.count, backlog: backlog, byteCount: state.files.reduce(0) { $0 + $1.byteCount })
        }
    }

    /// - Returns: how many were written, and why not all.
    private func append(_ entries: [SpillEntry], _ state: inout State) -> (Int, SpillFault?) {
        if let failure = state.failure { return (0, failure) }
        var touched: [SpillFile] = []
        var written = 0
        var fault: SpillFault?
        do throws(SpillFault) {
            for entry in entries {
                let file = try fileForNext(&state)
                try file.append(entry)
                if touched.last !== file { touched.append(file) }
                state.lastWrittenKey = entry.key
                if state.early.remove(entry.key) != nil { file.answeredCount += 1 }
                // A copy comes first, when nothing waits to be read: reading goes on behind it.
                if entry.slot == nil { (state.readFile, state.readOffset) = (file.number, file.byteCount) }
                written += 1
            }
        } catch {
            fault = error
        }
        do throws(SpillFault) {
            if configuration.flush == .beforeSendReturns { for file in touched { try file.flush() } }
        } catch {
            state.failure = error
            return (0, error)
        }
        return (written, fault)
    }

    private func fileForNext(_ state: inout State) throws(SpillFault) -> SpillFile {
        if let last = state.files.last, !last.isLeftover, last.byteCount < fileByteLimit { return last }
        guard let addressee = state.addressee else { preconditionFailure("nothing is spilled before the welcome") }
        let number = state.nextFileNumber
        let file = try SpillFile(
            creating: SpillFile.path(configuration.directory, number), number: number, for: addressee)
        if configuration.flush == .beforeSendReturns { try flushDirectory() }
        state.nextFileNumber += 1
        if state.files.isEmpty { (state.readFile, state.readOffset) = (number, file.byteCount) }
        state.files.append(file)
        return file
    }

    private func flushDirectory() throws(SpillFault) {
        let descriptor = open(configuration.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemFault(configuration.directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemFault(configuration.directory) }
    }

    // MARK: Reading

    /// Reads the next batch into a slot; there is one.
    func readNext(into slot: BatchSlot) throws(SpillFault) {
        try state.withLock { state throws(SpillFault) in
            guard var index = state.files.firstIndex(where: { $0.number >= state.readFile }) else {
                throw .failed(path: configuration.directory, reason: "there is no batch to read")
            }
            while state.files[index].number != state.readFile || state.readOffset >= state.files[index].byteCount {
                if state.files[index].number == state.readFile { index += 1 }
                guard index < state.files.count else {
                    throw .failed(path: configuration.directory, reason: "there is no batch to read")
                }
                state.readFile = state.files[index].number
                state.readOffset = state.files[index].headerByteCount
            }
            let file = state.files[index]
            try file.read(into: slot, at: &state.readOffset)
            if file.isLeftover {
                slot.spillKey = state.readKey
                state.readKey += 1
            } else {
                slot.spillKey = Int64(slot.number)
            }
        }
    }

    // MARK: Removing

    /// Batches were answered; nothing is removed yet.
    func note(answered keys: [Int64]) { answered.withLock { $0 += keys } }

    /// Removes files whose batches were all answered, and tells the window what room there is.
    func removeAnswered(_ window: SendWindow) {
        state.withLock { state in
            guard state.lock >= 0 else { return }
            let keys = answered.withLock { keys in
                defer { keys = [] }
                return keys
            }
            for key in keys {
                if state.unwritten.remove(key) != nil { continue }
                if let file = state.files.first(where: { $0.keys?.contains(key) == true }) {
                    file.answeredCount += 1
                } else if key > state.lastWrittenKey {
                    state.early.insert(key)
                }
            }
            state.files.removeAll { file in
                guard file.isAnswered else { return false }
                unlink(file.path)
                return true
            }
            window.spillHolds(state.files.reduce(0) { $0 + $1.byteCount })
        }
    }
}
