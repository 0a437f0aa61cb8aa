/// Why bytes are no block, or not the block that belongs in its place.
public enum BlockError: Error, Equatable, Sendable {
    /// The bytes end before what is needed, as after a torn write.
    case truncated(needed: Int, available: Int)
    /// The bytes do not begin as a block does.
    case badMagic
    /// The header does not match its own CRC-32C.
    case headerChecksum
    /// An intact header of another format version: no damage, but a newer program's work.
    case unsupportedVersion(found: UInt8)
    /// An intact header over records of another version.
    case unsupportedRecordVersion(found: UInt8)
    /// An intact header or intact bytes that contradict themselves, and where.
    case malformed(String)
    /// An intact block that belongs elsewhere: which of its fields says so.
    case misplaced(field: PlaceField, expected: UInt64, found: UInt64)
    /// The declarations do not match their CRC-32C.
    case declarationsChecksum
    /// The declaration at this byte of the declarations is none.
    case malformedDeclaration(offset: Int)
    /// The rows do not match their CRC-32C.
    case rowsChecksum
    /// A column is damaged (`.checksum`) or cannot be.
    case column(Column, ColumnError)
    /// A value is beyond what its field holds.
    case valueOutOfRange(Column)

    /// The fields that tie a block to its place.
    public enum PlaceField: String, Sendable {
        /// The ledger's own number.
        case ledger
        /// The block's offset in its segment.
        case offset
        /// The header checksum of the block before.
        case previousChecksum = "previous_checksum"
        /// The sequence of the first record.
        case firstSequence = "first_sequence"
    }
}

extension BlockError: CustomStringConvertible {
    /// What is wrong, for a message that names the file and the offset.
    public var description: String {
        switch self {
        case .truncated(let needed, let available): "needs \(needed) bytes where \(available) are left"
        case .badMagic: "does not begin with a block's magic number"
        case .headerChecksum: "header checksum does not match"
        case .unsupportedVersion(let found): "block format version \(found), this program reads \(BlockHeader.version)"
        case .unsupportedRecordVersion(let found): "record version \(found) is not known to this program"
        case .malformed(let what): "\(what) cannot be"
        case .misplaced(let field, let expected, let found): "\(field.rawValue) is \(found), expected \(expected)"
        case .declarationsChecksum: "checksum of the declarations does not match"
        case .malformedDeclaration(let offset): "no declaration at byte \(offset) of the declarations"
        case .rowsChecksum: "checksum of the rows does not match"
        case .column(let column, .checksum): "checksum of column \(column) does not match"
        case .column(let column, let error): "column \(column): \(error)"
        case .valueOutOfRange(let column): "column \(column) holds a value beyond \(column.width) bits"
        }
    }
}
