import CSQLite

/// Who holds which of SQLite's locks, by file, and the memory that connections to a database share. All of it dies with the
/// process, and that of a file with its last connection.
struct DatabaseLocks: ~Copyable {
    typealias Holder = ObjectIdentifier

    /// SQLite's five levels: any number may share; one may have reserved the right to write; it waits (pending) until nobody
    /// else shares, and then has the file for itself.
    private struct File {
        var openCount = 0
        var sharing: Set<Holder> = []
        var reserved: Holder?
        var pending: Holder?
        var exclusive: Holder?
        var regions: [UnsafeMutableRawPointer] = []
        var slots = [Slot](repeating: Slot(), count: Int(SQLITE_SHM_NLOCK))

        func level(of holder: Holder) -> Int32 {
            if exclusive == holder { return SQLITE_LOCK_EXCLUSIVE }
            if pending == holder { return SQLITE_LOCK_PENDING }
            if reserved == holder { return SQLITE_LOCK_RESERVED }
            return sharing.contains(holder) ? SQLITE_LOCK_SHARED : SQLITE_LOCK_NONE
        }
    }

    /// A lock of the shared memory.
    private struct Slot {
        var sharing: Set<Holder> = []
        var exclusive: Holder?
    }

    private var files: [Int: File] = [:]

    deinit { for file in files.values { file.regions.forEach { $0.deallocate() } } }

    mutating func open(_ number: Int) { files[number, default: File()].openCount += 1 }

    mutating func close(_ number: Int, by holder: Holder) {
        unlock(number, by: holder, to: SQLITE_LOCK_NONE)
        unmap(number, by: holder)
        files[number]!.openCount -= 1
        guard files[number]!.openCount == 0 else { return }
        files[number]!.regions.forEach { $0.deallocate() }
        files[number] = nil
    }

    // MARK: The file

    mutating func lock(_ number: Int, by holder: Holder, to level: Int32) -> Int32 {
        let file = files[number]!
        guard file.level(of: holder) < level else { return SQLITE_OK }
        func isAnothers(_ other: Holder?) -> Bool { other != nil && other != holder }
        if isAnothers(file.pending) || isAnothers(file.exclusive) { return SQLITE_BUSY }
        if level == SQLITE_LOCK_SHARED {
            files[number]!.sharing.insert(holder)
            return SQLITE_OK
        }
        if isAnothers(file.reserved) { return SQLITE_BUSY }
        if level == SQLITE_LOCK_RESERVED {
            files[number]!.reserved = holder
            return SQLITE_OK
        }
        files[number]!.pending = holder
        guard file.sharing.subtracting([holder]).isEmpty else { return SQLITE_BUSY }
        files[number]!.exclusive = holder
        return SQLITE_OK
    }

    mutating func unlock(_ number: Int, by holder: Holder, to level: Int32) {
        guard files[number]!.level(of: holder) > level else { return }
        if files[number]!.reserved == holder { files[number]!.reserved = nil }
        if files[number]!.pending == holder { files[number]!.pending = nil }
        if files[number]!.exclusive == holder { files[number]!.exclusive = nil }
        if level == SQLITE_LOCK_NONE { files[number]!.sharing.remove(holder) }
    }

    func isReserved(_ number: Int) -> Bool {
        let file = files[number]!
        return file.reserved != nil || file.pending != nil || file.exclusive != nil
    }

    // MARK: The shared memory

    /// A region of the shared memory; nil when it is not there and `extending` is false.
    mutating func map(_ number: Int, region: Int, byteCount: Int, extending: Bool) -> UnsafeMutableRawPointer? {
        while files[number]!.regions.count <= region {
            guard extending else { return nil }
            let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
            files[number]!.regions.append(memory)
        }
        return files[number]!.regions[region]
    }

    mutating func lockSlots(_ number: Int, _ slots: Range<Int>, by holder: Holder, flags: Int32) -> Int32 {
        let isExclusive = flags & SQLITE_SHM_EXCLUSIVE != 0
        if flags & SQLITE_SHM_UNLOCK != 0 {
            for slot in slots { release(number, slot, by: holder) }
            return SQLITE_OK
        }
        for slot in files[number]!.slots[slots] {
            if slot.exclusive != nil, slot.exclusive != holder { return SQLITE_BUSY }
            if isExclusive, !slot.sharing.subtracting([holder]).isEmpty { return SQLITE_BUSY }
        }
        for slot in slots {
            if isExclusive {
                files[number]!.slots[slot].exclusive = holder
            } else {
                files[number]!.slots[slot].sharing.insert(holder)
            }
        }
        return SQLITE_OK
    }

    mutating func unmap(_ number: Int, by holder: Holder) {
        for slot in files[number]!.slots.indices { release(number, slot, by: holder) }
    }

    private mutating func release(_ number: Int, _ slot: Int, by holder: Holder) {
        files[number]!.slots[slot].sharing.remove(holder)
        if files[number]!.slots[slot].exclusive == holder { files[number]!.slots[slot].exclusive = nil }
    }
}
