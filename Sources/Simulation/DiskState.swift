import Storage

/// All of a disk as a value: what processes see, what is durable, and the changes in between, in order.
///
/// Files and directories have numbers; 0 is the root. Each change keeps its place in the order of all changes, so that a power
/// cut can keep a beginning of them.
struct DiskState: Sendable {
    /// A change of a file since it was last made durable.
    struct FileChange: Sendable {
        enum Kind: Sendable {
            case write(offset: Int, bytes: [UInt8])
            case resize(byteCount: Int)
        }
        var order: Int
        var kind: Kind
    }

    struct File: Sendable {
        /// What processes see.
        var current = PagedBytes()
        /// What is on the disk for certain.
        var durable = PagedBytes()
        /// What may be on the disk.
        var pending: [FileChange] = []
        /// A flush failed: `current` has bytes that are neither durable nor pending.
        var hasLostWrites = false
        /// Space is secured up to here.
        var securedEnd = 0
        /// False once its name is removed or replaced.
        var isLinked = true

        var occupiedByteCount: Int { max(securedEnd, current.byteCount) }
    }

    enum Entry: Hashable, Sendable {
        case file(Int)
        case directory(Int)
    }

    struct Directory: Sendable {
        var current: [String: Entry] = [:]
        var durable: [String: Entry] = [:]
    }

    /// A name in a directory.
    struct Place: Hashable, Sendable {
        var directory: Int
        var name: String
    }

    /// A change of directories that their flush makes durable.
    struct NameChange: Sendable {
        var order: Int
        /// Where a name goes; nil when it is made out of nothing.
        var removed: Place?
        /// Where a name appears, and whose.
        var added: (place: Place, entry: Entry)?

        func touches(_ directory: Int) -> Bool { directories.contains(directory) }
        var directories: [Int] { [removed?.directory, added?.place.directory].compactMap(\.self) }
    }

    private(set) var files: [File?] = [nil]
    private(set) var directories: [Directory?] = [Directory()]
    private(set) var nameChanges: [NameChange] = []
    private var changeCount = 0

    init() {}

    /// A disk that holds exactly these files and directories, all durable.
    init(files: [File?], directories: [Directory?]) {
        self.files = files
        self.directories = directories
        forgetUnreachable { _ in false }
        for index in self.files.indices { self.files[index]?.isLinked = true }
    }

    // MARK: Names

    /// The directory of a path's last name.
    func place(of path: String) throws(StorageError) -> Place {
        var names = DiskState.names(path)
        guard let last = names.popLast() else { return Place(directory: 0, name: "") }
        var directory = 0
        for name in names {
            guard case .directory(let next) = directories[directory]!.current[name] else {
                throw StorageError("find", path, DiskState.noEntry)
            }
            directory = next
        }
        return Place(directory: directory, name: last)
    }

    private static func names(_ path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }.filter { $0 != "." }
    }

    func entry(_ path: String) throws(StorageError) -> Entry? {
        let place = try place(of: path)
        return place.name.isEmpty ? .directory(0) : directories[place.directory]!.current[place.name]
    }

    /// The number of the file at `path`; nil when there is none.
    func file(_ path: String) throws(StorageError) -> Int? {
        switch try entry(path) {
        case .file(let number): number
        case .directory: throw StorageError("open", path, DiskState.isDirectory)
        case nil: nil
        }
    }

    func directory(_ path: String) throws(StorageError) -> Int {
        switch try entry(path) {
        case .directory(let number): number
        case .file: throw StorageError("list", path, DiskState.notDirectory)
        case nil: throw StorageError("list", path, DiskState.noEntry)
        }
    }

    mutating func createFile(_ path: String) throws(StorageError) -> Int {
        let place = try place(of: path)
        let number = files.count
        files.append(File())
        change(NameChange(order: nextOrder(), added: (place, .file(number))))
        return number
    }

    /// Makes a directory and those above it.
    mutating func createDirectory(_ path: String) throws(StorageError) {
        var directory = 0
        for name in DiskState.names(path) {
            switch directories[directory]!.current[name] {
            case .directory(let next): directory = next
            case .file: throw StorageError("create directory", path, DiskState.exists)
            case nil:
                let number = directories.count
                directories.append(Directory())
                change(
                    NameChange(
                        order: nextOrder(),
                        added: (Place(directory: directory, name: name), .directory(number))))
                directory = number
            }
        }
    }

    mutating func rename(_ source: String, to target: String) throws(StorageError) {
        let (from, to) = (try place(of: source), try place(of: target))
        guard let entry = directories[from.directory]!.current[from.name] else {
            throw StorageError("rename", source, DiskState.noEntry)
        }
        if from == to { return }
        unlinkFile(at: to)
        change(NameChange(order: nextOrder(), removed: from, added: (to, entry)))
    }

    mutating func remove(_ path: String) throws(StorageError) {
        guard let number = try file(path) else { return }
        files[number]!.isLinked = false
        change(NameChange(order: nextOrder(), removed: try place(of: path)))
    }

    mutating func synchroniseDirectory(_ number: Int) {
        // A rename has two directories: one of them durable without the other would have the file twice or not at all.
        // So, from the last change to the first, what shares a directory with a change that becomes durable goes along.
        var reached: Set<Int> = [number]
        var kept: [NameChange] = []
        var durable: [NameChange] = []
        for change in nameChanges.reversed() {
            if change.directories.contains(where: reached.contains) {
                reached.formUnion(change.directories)
                durable.append(change)
            } else {
                kept.append(change)
            }
        }
        for change in durable.reversed() { DiskState.apply(change, to: &directories, \.durable) }
        nameChanges = kept.reversed()
    }

    static func apply(
        _ change: NameChange, to directories: inout [Directory?], _ side: WritableKeyPath<Directory, [String: Entry]>
    ) {
        if let removed = change.removed { directories[removed.directory]![keyPath: side][removed.name] = nil }
        if let added = change.added {
            directories[added.place.directory]![keyPath: side][added.place.name] = added.entry
        }
    }

    private mutating func change(_ change: NameChange) {
        DiskState.apply(change, to: &directories, \.current)
        nameChanges.append(change)
    }

    private mutating func unlinkFile(at place: Place) {
        if case .file(let number) = directories[place.directory]!.current[place.name] {
            files[number]!.isLinked = false
        }
    }

    private mutating func nextOrder() -> Int {
        changeCount += 1
        return changeCount
    }

    // MARK: Contents

    mutating func write(_ bytes: UnsafeRawBufferPointer, to file: Int, at offset: Int) {
        if bytes.isEmpty { return }
        let change = FileChange(order: nextOrder(), kind: .write(offset: offset, bytes: [UInt8](bytes)))
        files[file]!.current.write(bytes, at: offset)
        files[file]!.pending.append(change)
    }

    mutating func truncate(_ file: Int, to byteCount: Int) {
        files[file]!.securedEnd = min(files[file]!.securedEnd, byteCount)
        if byteCount == files[file]!.current.byteCount { return }
        let change = FileChange(order: nextOrder(), kind: .resize(byteCount: byteCount))
        files[file]!.current.resize(to: byteCount)
        files[file]!.pending.append(change)
    }

    mutating func secure(_ file: Int, to end: Int) { files[file]!.securedEnd = max(files[file]!.securedEnd, end) }

    mutating func synchronise(_ file: Int) {
        if files[file]!.hasLostWrites {
            let pending = files[file]!.pending
            for change in pending { files[file]!.durable.apply(change) }
        } else if !files[file]!.pending.isEmpty {
            files[file]!.durable = files[file]!.current
        }
        files[file]!.pending = []
    }

    /// What was written is clean in memory and never reaches the disk; the size may.
    mutating func failSynchronise(_ file: Int) {
        guard !files[file]!.pending.isEmpty else { return }
        files[file]!.hasLostWrites = true
        let byteCount = files[file]!.current.byteCount
        files[file]!.pending =
            byteCount == files[file]!.durable.byteCount
            ? [] : [FileChange(order: nextOrder(), kind: .resize(byteCount: byteCount))]
    }

    /// Changes bits of a file at rest: both what processes see and what is durable.
    mutating func flipBits(of file: Int, at offset: Int, mask: UInt8) {
        for side in [\File.current, \File.durable] where offset < files[file]![keyPath: side].byteCount {
            let byte = files[file]![keyPath: side].bytes(at: offset, count: 1)[0] ^ mask
            withUnsafeBytes(of: byte) { files[file]![keyPath: side].write($0, at: offset) }
        }
    }

    // MARK: What is there

    /// Bytes that files take up; `isOpen` tells which of those without a name are still in use.
    func occupiedByteCount(isOpen: (Int) -> Bool) -> Int {
        var total = 0
        for (number, file) in files.enumerated() {
            if let file, file.isLinked || isOpen(number) { total += file.occupiedByteCount }
        }
        return total
    }

    /// Forgets files and directories that neither a name, nor a name that a power cut may bring back, nor an opener leads to.
    mutating func forgetUnreachable(isOpen: (Int) -> Bool) {
        var reachedFiles: Set<Int> = []
        var reachedDirectories: Set<Int> = []
        var open: [Entry] = [.directory(0)] + nameChanges.compactMap { $0.added?.entry }
        while let entry = open.popLast() {
            switch entry {
            case .file(let number): reachedFiles.insert(number)
            case .directory(let number):
                guard reachedDirectories.insert(number).inserted, let directory = directories[number] else { continue }
                open += directory.current.values
                open += directory.durable.values
            }
        }
        for number in files.indices where files[number] != nil && !reachedFiles.contains(number) && !isOpen(number) {
            files[number] = nil
        }
        for number in directories.indices where !reachedDirectories.contains(number) { directories[number] = nil }
    }

    /// The state that a machine finds after its power was cut, when `contents` and `names` of what was pending arrived.
    func afterPowerCut(
        contents: (Int, File) -> PagedBytes, names: (NameChange) -> Bool
    ) -> DiskState {
        var directories = directories
        for change in nameChanges where names(change) { DiskState.apply(change, to: &directories, \.durable) }
        directories = directories.map { directory in
            directory.map { Directory(current: $0.durable, durable: $0.durable) }
        }
        let files = files.enumerated().map { number, file -> File? in
            guard let file else { return nil }
            let content = contents(number, file)
            return File(current: content, durable: content, securedEnd: content.byteCount)
        }
        return DiskState(files: files, directories: directories)
    }

    static let noEntry: Int32 = 2
    static let exists: Int32 = 17
    static let notDirectory: Int32 = 20
    static let isDirectory: Int32 = 21
}

extension PagedBytes {
    mutating func apply(_ change: DiskState.FileChange) {
        switch change.kind {
        case .write(let offset, let bytes): bytes.withUnsafeBytes { write($0, at: offset) }
        case .resize(let byteCount): resize(to: byteCount)
        }
    }
}
