import CPlatform

/// Lets the allocator keep freed memory for the next use: statistics are saved every few seconds with the same large arrays,
/// and the system clears each page that it gives out anew, which costs more than what is computed in it.
func keepFreedMemory() { sluice_keep_freed_memory() }

/// Keeps what passed through the memory of this process, account numbers among it, out of core files.
func forbidCoreDumps() { sluice_forbid_core_dumps() }
