import CPlatform

/// Distinct accounts, group by group, each group's in 16 bytes of its cell and in memory of this object.
///
/// Up to `exactCount` accounts a group holds the accounts themselves, in a table of 4 slots that doubles, so that a group of
/// few costs little and its number is exact. Beyond, it holds the registers of a `HyperLogLog`. Which form it is follows from the accounts alone, and so does every register: sets that are united are the
/// set of all that was added to any of them, whoever added what and in which order.
///
/// One thread at a time.
final class AccountSets {
    /// Where a set lies, in a cell; all zeros is the empty set.
    fileprivate struct Handle {
        var memory: UnsafeMutableRawPointer?
        var count: UInt32
        /// Of the table; 0: there is none yet.
        var slotBits: UInt8
        var isEstimate: Bool
    }

    /// So many accounts of a group are counted exactly.
    static let exactCount = 1024
    /// Bytes of a cell that hold a set's place.
    static let handleByteCount = 16
    private static let firstSlotBits: UInt8 = 2
    let hash: AccountHash
    private let memory: PieceMemory

    /// - Parameter memory: that of all collections of an answer.
    init(_ hash: AccountHash, memory: PieceMemory) {
        precondition(MemoryLayout<Handle>.stride == AccountSets.handleByteCount)
        (self.hash, self.memory) = (hash, memory)
    }

    /// Adds an account, which is not 0, to the set whose place this is.
    @inline(__always)
    func add(_ account: UInt64, hash: UInt64, to place: UnsafeMutableRawPointer) {
        let handle = place.assumingMemoryBound(to: Handle.self)
        if handle.pointee.isEstimate {
            raise(handle, hash)
        } else {
            insert(account, hash, handle)
        }
    }

    /// The register that an account with this hash raises, for which the processor is asked; nil while the set is exact.
    @inline(__always)
    func prefetchRegister(of hash: UInt64, _ place: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt8>? {
        let handle = place.assumingMemoryBound(to: Handle.self)
        guard handle.pointee.isEstimate else { return nil }
        let register = handle.pointee.registers + HyperLogLog.register(of: hash)
        sluice_prefetch(register)
        return register
    }

    /// Adds all accounts of a set that lies in `other`, whose hash is the same.
    func unite(_ theirs: UnsafeRawPointer, of other: AccountSets, into place: UnsafeMutableRawPointer) {
        precondition(hash == other.hash, "sets with different hashes")
        let (theirs, ours) = (
            theirs.assumingMemoryBound(to: Handle.self), place.assumingMemoryBound(to: Handle.self)
        )
        guard let memory = theirs.pointee.memory else { return }
        if theirs.pointee.isEstimate {
            if !ours.pointee.isEstimate { turnIntoRegisters(ours) }
            let source = memory.assumingMemoryBound(to: UInt8.self)
            let target = ours.pointee.registers
            for register in 0..<HyperLogLog.registerCount { target[register] = max(target[register], source[register]) }
        } else {
            for account in theirs.pointee.accounts where account != 0 { add(account, hash: hash(account), to: place) }
        }
    }

    /// How many accounts a set has; more than `exactCount` is an estimate.
    func count(at place: UnsafeRawPointer) -> Int {
        let handle = place.assumingMemoryBound(to: Handle.self).pointee
        guard handle.isEstimate else { return Int(handle.count) }
        return max(AccountSets.exactCount + 1, Int(HyperLogLog.estimate(handle.registers).rounded()))
    }

    @inline(__always)
    private func raise(_ handle: UnsafeMutablePointer<Handle>, _ hash: UInt64) {
        HyperLogLog.raise(handle.pointee.registers + HyperLogLog.register(of: hash), hash)
    }

    private func insert(_ account: UInt64, _ hash: UInt64, _ handle: UnsafeMutablePointer<Handle>) {
        if handle.pointee.memory == nil { growTable(handle) }
        while true {
            let slots = handle.pointee.accounts
            guard let place = handle.pointee.freeSlot(for: account, hash) else { return }
            let count = Int(handle.pointee.count)
            if count == AccountSets.exactCount {
                turnIntoRegisters(handle)
                return raise(handle, hash)
            }
            if (count + 1) * 4 <= slots.count * 3 {
                slots[place] = account
                handle.pointee.count += 1
                return
            }
            growTable(handle)
        }
    }

    private func growTable(_ handle: UnsafeMutablePointer<Handle>) {
        let old = handle.pointee
        let bits = old.memory == nil ? AccountSets.firstSlotBits : old.slotBits + 1
        handle.pointee.memory = memory.take(bits: Int(bits) + 3)
        handle.pointee.slotBits = bits
        guard let memory = old.memory else { return }
        let slots = handle.pointee.accounts
        for account in old.accounts where account != 0 {
            slots[handle.pointee.freeSlot(for: account, hash(account)).unsafelyUnwrapped] = account
        }
        self.memory.giveBack(memory, bits: Int(old.slotBits) + 3)
    }

    private func turnIntoRegisters(_ handle: UnsafeMutablePointer<Handle>) {
        let old = handle.pointee
        handle.pointee = Handle(
            memory: memory.take(bits: HyperLogLog.precision), count: 0, slotBits: 0, isEstimate: true)
        guard let memory = old.memory else { return }
        for account in old.accounts where account != 0 { raise(handle, hash(account)) }
        self.memory.giveBack(memory, bits: Int(old.slotBits) + 3)
    }
}

extension AccountSets.Handle {
    @inline(__always)
    fileprivate var registers: UnsafeMutablePointer<UInt8> {
        memory.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
    }

    /// The slots of the table; 0 is a free one.
    fileprivate var accounts: UnsafeMutableBufferPointer<UInt64> {
        UnsafeMutableBufferPointer(
            start: memory.unsafelyUnwrapped.assumingMemoryBound(to: UInt64.self), count: 1 << Int(slotBits))
    }

    /// Where an account would go; nil when it is there.
    fileprivate func freeSlot(for account: UInt64, _ hash: UInt64) -> Int? {
        let slots = accounts
        var place = Int(truncatingIfNeeded: hash &>> UInt64(64 - slotBits))
        while slots[place] != 0 {
            if slots[place] == account { return nil }
            place = (place &+ 1) & (slots.count &- 1)
        }
        return place
    }
}
