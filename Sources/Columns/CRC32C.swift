import CPlatform

/// CRC-32C (Castagnoli) of `bytes`; 0 of none.
func crc32c(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    sluice_crc32c(0, bytes.baseAddress, bytes.count)
}
