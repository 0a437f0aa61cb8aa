import CSQLite
import Chance
import Glibc
import Storage
import Synchronization

/// Lets SQLite keep its databases on a simulated disk: its files are the disk's files, so they take part in crashes and faults.
///
/// Registered under a name of its own while the disk lives. Time is the number of operations, chance comes from the disk's
/// seed, waiting takes no time. Random numbers are a matter of the whole process in SQLite: only one simulation at a time has
/// the same ones in every run.
final class SimulatedVFS: @unchecked Sendable {
    let name: String
    let locks = Mutex(DatabaseLocks())
    fileprivate unowned let disk: SimulatedDisk
    fileprivate let randomness: Mutex<SeededGenerator>
    private let table = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    private let nameBytes: UnsafeMutablePointer<CChar>

    private static let count = Atomic<Int>(0)

    init(_ disk: SimulatedDisk, seed: UInt64) {
        self.disk = disk
        name = "simulated-\(SimulatedVFS.count.wrappingAdd(1, ordering: .relaxed).newValue)"
        nameBytes = strdup(name)
        randomness = Mutex(SeededGenerator(seed: seed))
        sluice_sqlite_seed(Int32(truncatingIfNeeded: seed) | 1)
        table.initialize(to: SimulatedVFS.functions)
        table.pointee.zName = UnsafePointer(nameBytes)
        table.pointee.pAppData = Unmanaged.passUnretained(self).toOpaque()
        let result = sqlite3_vfs_register(table, 0)
        precondition(result == SQLITE_OK, "SQLite registers a VFS")
    }

    deinit {
        sqlite3_vfs_unregister(table)
        table.deallocate()
        free(nameBytes)
    }

    // MARK: Files

    fileprivate func open(
        _ name: String?, _ target: UnsafeMutablePointer<OpenDatabaseFile>, flags: Int32
    ) throws(StorageError) {
        let path = name ?? disk.temporaryPath()
        var isNew = flags & SQLITE_OPEN_EXCLUSIVE != 0 || name == nil
        var file: (any StorageFile)?
        if !isNew {
            do throws(StorageError) {
                file = try disk.open(path, flags & SQLITE_OPEN_READWRITE != 0 ? .write : .read)
            } catch {
                guard error.errno == ENOENT, flags & SQLITE_OPEN_CREATE != 0 else { throw error }
                isNew = true
            }
        }
        if file == nil { file = try disk.open(path, .create) }
        if flags & SQLITE_OPEN_DELETEONCLOSE != 0 { try disk.remove(path) }
        let journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL
        let object = DatabaseFile(
            vfs: self, disk: disk, file: file as! SimulatedFile,
            mayBeNewJournal: flags & SQLITE_OPEN_CREATE != 0 && flags & journals != 0)
        target.pointee.object = Unmanaged.passRetained(object)
        target.pointee.methods = DatabaseFileMethods.table
    }

    fileprivate func delete(_ path: String, flushingDirectory: Bool) -> Int32 {
        guard disk.exists(path) else { return ResultCode.nothingToDelete }
        let result = ResultCode.of(ResultCode.delete) { () throws(StorageError) in try disk.remove(path) }
        guard result == SQLITE_OK, flushingDirectory else { return result }
        return ResultCode.of(ResultCode.synchroniseDirectory) { () throws(StorageError) in
            try disk.synchroniseDirectory(SimulatedVFS.directory(of: path))
        }
    }

    static func directory(of path: String) -> String {
        let parts = path.split(separator: "/").dropLast()
        return "/" + parts.joined(separator: "/")
    }

    // MARK: The table of functions

    private static var functions: sqlite3_vfs {
        var functions = sqlite3_vfs()
        functions.iVersion = 2
        functions.szOsFile = Int32(MemoryLayout<OpenDatabaseFile>.size)
        functions.mxPathname = 4096
        addFiles(to: &functions)
        addSurroundings(to: &functions)
        return functions
    }

    private static func addFiles(to functions: inout sqlite3_vfs) {
        functions.xOpen = { vfs, name, file, flags, outFlags in
            let target = OpenDatabaseFile.of(file!)
            target.pointee = OpenDatabaseFile()
            outFlags?.pointee = flags
            return ResultCode.of(SQLITE_CANTOPEN) { () throws(StorageError) in
                try object(vfs).open(name.map { String(cString: $0) }, target, flags: flags)
            }
        }
        functions.xDelete = { vfs, path, flushingDirectory in
            object(vfs).delete(String(cString: path!), flushingDirectory: flushingDirectory != 0)
        }
        functions.xAccess = { vfs, path, flags, result in
            let path = String(cString: path!)
            let disk = object(vfs).disk
            // As in SQLite's Unix VFS, an empty file is none.
            result!.pointee = (flags == SQLITE_ACCESS_EXISTS ? disk.holdsBytes(path) : disk.exists(path)) ? 1 : 0
            return SQLITE_OK
        }
        functions.xFullPathname = { _, path, capacity, result in
            let path = String(cString: path!)
            let full = path.hasPrefix("/") ? path : "/" + path
            guard full.utf8.count < Int(capacity) else { return SQLITE_CANTOPEN }
            strcpy(result!, full)
            return SQLITE_OK
        }
    }

    private static func addSurroundings(to functions: inout sqlite3_vfs) {
        functions.xRandomness = { vfs, count, bytes in
            let vfs = object(vfs)
            for index in 0..<Int(count) {
                bytes![index] = vfs.randomness.withLock { CChar(truncatingIfNeeded: $0.next()) }
            }
            return count
        }
        functions.xSleep = { vfs, microseconds in
            object(vfs).disk.wait()
            return microseconds
        }
        functions.xCurrentTime = { vfs, result in
            result!.pointee = Double(julianMilliseconds(vfs)) / 86_400_000
            return SQLITE_OK
        }
        functions.xCurrentTimeInt64 = { vfs, result in
            result!.pointee = julianMilliseconds(vfs)
            return SQLITE_OK
        }
        functions.xGetLastError = { _, _, _ in 0 }
    }
}

/// Milliseconds since noon of 24 November -4713, as SQLite counts: 2024-01-01 UTC and one more for each operation.
private func julianMilliseconds(_ vfs: UnsafeMutablePointer<sqlite3_vfs>?) -> Int64 {
    210_866_760_000_000 + 1_704_067_200_000 + Int64(object(vfs).disk.operationCount)
}

private func object(_ vfs: UnsafeMutablePointer<sqlite3_vfs>?) -> SimulatedVFS {
    Unmanaged<SimulatedVFS>.fromOpaque(vfs!.pointee.pAppData).takeUnretainedValue()
}
