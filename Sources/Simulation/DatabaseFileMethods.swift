import CSQLite
import Glibc
import Synchronization

/// What SQLite's `sqlite3_file` is on a simulated disk: the methods, then the object that they work on.
struct OpenDatabaseFile {
    var methods: UnsafePointer<sqlite3_io_methods>?
    var object: Unmanaged<DatabaseFile>?

    static func of(_ file: UnsafeMutablePointer<sqlite3_file>) -> UnsafeMutablePointer<OpenDatabaseFile> {
        UnsafeMutableRawPointer(file).assumingMemoryBound(to: OpenDatabaseFile.self)
    }
}

/// The functions by which SQLite uses an open file: version 2 of its table, the one with shared memory.
enum DatabaseFileMethods {
    nonisolated(unsafe) static let table: UnsafePointer<sqlite3_io_methods> = {
        let table = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        table.initialize(to: methods)
        return UnsafePointer(table)
    }()

    private static var methods: sqlite3_io_methods {
        var methods = sqlite3_io_methods()
        methods.iVersion = 2
        addBytes(to: &methods)
        addLocks(to: &methods)
        addSharedMemory(to: &methods)
        return methods
    }

    private static func addBytes(to methods: inout sqlite3_io_methods) {
        methods.xClose = { file in
            let open = OpenDatabaseFile.of(file!)
            open.pointee.object!.takeUnretainedValue().close()
            open.pointee.object!.release()
            open.pointee = OpenDatabaseFile()
            return SQLITE_OK
        }
        methods.xRead = { file, buffer, count, offset in
            object(file).read(UnsafeMutableRawBufferPointer(start: buffer, count: Int(count)), at: Int(offset))
        }
        methods.xWrite = { file, bytes, count, offset in
            object(file).write(UnsafeRawBufferPointer(start: bytes, count: Int(count)), at: Int(offset))
        }
        methods.xTruncate = { file, byteCount in object(file).truncate(to: Int(byteCount)) }
        methods.xSync = { file, _ in object(file).synchronise() }
        methods.xFileSize = { file, byteCount in object(file).inspect(&byteCount!.pointee) }
        methods.xFileControl = { _, _, _ in SQLITE_NOTFOUND }
        // As in SQLite's Unix VFS: overwriting a part of a sector harms nothing around it.
        methods.xSectorSize = { _ in 4096 }
        methods.xDeviceCharacteristics = { _ in SQLITE_IOCAP_POWERSAFE_OVERWRITE }
    }

    private static func addLocks(to methods: inout sqlite3_io_methods) {
        methods.xLock = { file, level in
            let file = object(file)
            return file.vfs.locks.withLock { $0.lock(file.number, by: ObjectIdentifier(file), to: level) }
        }
        methods.xUnlock = { file, level in
            let file = object(file)
            file.vfs.locks.withLock { $0.unlock(file.number, by: ObjectIdentifier(file), to: level) }
            return SQLITE_OK
        }
        methods.xCheckReservedLock = { file, result in
            let file = object(file)
            result!.pointee = file.vfs.locks.withLock { $0.isReserved(file.number) } ? 1 : 0
            return SQLITE_OK
        }
    }

    private static func addSharedMemory(to methods: inout sqlite3_io_methods) {
        methods.xShmMap = { file, region, byteCount, extending, result in
            let file = object(file)
            let address = file.vfs.locks.withLock {
                UInt(
                    bitPattern: $0.map(
                        file.number, region: Int(region), byteCount: Int(byteCount), extending: extending != 0))
            }
            result!.pointee = UnsafeMutableRawPointer(bitPattern: address)
            return SQLITE_OK
        }
        methods.xShmLock = { file, first, count, flags in
            let file = object(file)
            return file.vfs.locks.withLock {
                $0.lockSlots(
                    file.number, Int(first)..<Int(first + count), by: ObjectIdentifier(file), flags: flags)
            }
        }
        methods.xShmBarrier = { _ in atomicMemoryFence(ordering: .sequentiallyConsistent) }
        methods.xShmUnmap = { file, _ in
            let file = object(file)
            file.vfs.locks.withLock { $0.unmap(file.number, by: ObjectIdentifier(file)) }
            return SQLITE_OK
        }
    }
}

private func object(_ file: UnsafeMutablePointer<sqlite3_file>?) -> DatabaseFile {
    OpenDatabaseFile.of(file!).pointee.object!.takeUnretainedValue()
}
