import Chance

/// What of the changes that were not yet durable a power cut leaves on the disk.
///
/// Sectors of 512 bytes are written whole or not at all. A rename happens or does not. What was durable stays.
public struct PowerCut: Hashable, Sendable, CustomStringConvertible {
    /// A way in which disks, caches and file systems lose and keep what was in flight.
    public enum Mode: String, CaseIterable, Sendable {
        /// Nothing that was pending arrived.
        case nothing
        /// All of it arrived.
        case everything
        /// The first changes of all arrived, in their order.
        case firstChanges
        /// Of each file, its first changes arrived; of all directories, the first.
        case firstChangesOfEach
        /// Each change arrived or did not.
        case someChanges
        /// Each sector of each write arrived or did not; likewise each new size and each name.
        case someSectors
        /// Each sector and each size is any that it has been since it was durable: later writes may have overtaken earlier ones.
        case anyVersionOfEachSector
        /// The first changes of all arrived, and the first sectors of the next write.
        case tornWrite
        /// The first changes of all arrived, and the last sectors of the next write.
        case writeTornAtItsBeginning
        /// Files have their new sizes; what they grew by is zeros from some sector on.
        case grownWithZeros
        /// Files have their new sizes; what they grew by is noise from some sector on.
        case grownWithNoise
        /// Files have their new sizes; what they grew by is old bytes of the disk from some sector on.
        case grownWithOldBytes
        /// What was overwritten in place arrived; files did not grow.
        case growthLost
        /// Writes arrived, truncations did not.
        case truncationsLost
        /// Truncations arrived, writes did not.
        case truncationsAlone
        /// Contents arrived, names did not.
        case namesLost
        /// Contents arrived, and the first changes of names.
        case firstNames
        /// Contents arrived, and some changes of names.
        case someNames
        /// Names arrived, contents did not.
        case namesAlone
        /// Each file fares in another of these ways; each name arrived or did not.
        case mixed
    }

    /// The way.
    public var mode: Mode
    /// Decides all that the way leaves open.
    public var seed: UInt64

    /// A power cut of this way.
    public init(_ mode: Mode, seed: UInt64) {
        self.mode = mode
        self.seed = seed
    }

    /// A power cut of a way that the seed decides, too.
    public init(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        self.init(Mode.allCases.randomElement(using: &generator)!, seed: seed)
    }

    /// Way and seed.
    public var description: String { "power cut '\(mode.rawValue)', seed \(seed)" }
}
