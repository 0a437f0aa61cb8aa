/// Columns as bytes that describe themselves: a descriptor (40 bytes, see `ColumnDescriptor`) and the stored bytes.
///
/// These are conveniences for cold code. Whoever encodes many columns keeps a `ColumnEncoder` or a `ColumnDecoder`,
/// which hold several times the column's size in scratch memory.
public enum ColumnCodec {
    /// Appends `values`, at most 2^28 of them, to `bytes`.
    public static func encode(_ values: UnsafeBufferPointer<UInt64>, into bytes: inout [UInt8]) {
        encode(values, into: &bytes, by: ColumnEncoder(capacity: max(1, values.count)))
    }

    /// Appends `values` to `bytes` with an encoder that has room for them.
    public static func encode(
        _ values: UnsafeBufferPointer<UInt64>, into bytes: inout [UInt8], by encoder: ColumnEncoder
    ) {
        let encoded = encoder.encode(values)
        withUnsafeTemporaryAllocation(byteCount: ColumnDescriptor.byteCount, alignment: 8) { description in
            encoded.descriptor.write(to: description.baseAddress.unsafelyUnwrapped)
            bytes.append(contentsOf: description)
        }
        bytes.append(contentsOf: encoded.bytes)
    }

    /// How many values the column that begins at `offset` says that it has.
    public static func count(in bytes: UnsafeRawBufferPointer, at offset: Int) throws(ColumnError) -> Int {
        try ColumnDescriptor(parsing: bytes, at: offset).count
    }

    /// Decodes the column that begins at `offset`, which then moves behind it.
    ///
    /// Throws when the bytes are no column, are damaged, or hold another number of values than `count`. Allocates no
    /// more than a few times 8 bytes for each of `count` values, whatever the bytes say.
    public static func decode(
        from bytes: UnsafeRawBufferPointer, at offset: inout Int, count: Int
    ) throws(ColumnError) -> [UInt64] {
        try decode(from: bytes, at: &offset, count: count, by: ColumnDecoder(capacity: max(1, count)))
    }

    /// Decodes the column that begins at `offset` with a decoder that has room for `count` values.
    public static func decode(
        from bytes: UnsafeRawBufferPointer, at offset: inout Int, count: Int, by decoder: ColumnDecoder
    ) throws(ColumnError) -> [UInt64] {
        let start = offset
        let found = try self.count(in: bytes, at: start)
        guard found == count else { throw .count(expected: count, found: found) }
        var values = [UInt64](repeating: 0, count: count)
        var failure: ColumnError?
        values.withUnsafeMutableBufferPointer { output in
            do throws(ColumnError) {
                offset += try decode(
                    from: UnsafeRawBufferPointer(rebasing: bytes[start...]), into: output, by: decoder)
            } catch { failure = error }
        }
        if let failure { throw failure }
        return values
    }

    /// Decodes the column at the start of `bytes` to `output`, whose count must be the column's.
    /// - Parameter isVerified: the caller has held all bytes of the column against a checksum of its own.
    /// - Returns: the number of bytes that the column takes.
    public static func decode(
        from bytes: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<UInt64>, by decoder: ColumnDecoder,
        isVerified: Bool = false
    ) throws(ColumnError) -> Int {
        let descriptor = try ColumnDescriptor(parsing: bytes, at: 0)
        let start = ColumnDescriptor.byteCount
        guard bytes.count - start >= descriptor.storedByteCount else {
            throw .truncated(needed: descriptor.storedByteCount, available: bytes.count - start)
        }
        let stored = UnsafeRawBufferPointer(rebasing: bytes[start..<start + descriptor.storedByteCount])
        try decoder.decode(descriptor, stored, into: output, isVerified: isVerified)
        return start + descriptor.storedByteCount
    }
}
