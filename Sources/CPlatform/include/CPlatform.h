// What Swift cannot say itself: a CPU instruction, two system calls behind variadics, a prefetch, a signal handler.
#ifndef SLUICE_CPLATFORM_H
#define SLUICE_CPLATFORM_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, RFC 3720 section 12.1) of `count` bytes, continuing from `seed` (0 to start).
/// Uses the processor's instruction where there is one, a table elsewhere.
uint32_t sluice_crc32c(uint32_t seed, const void *bytes, size_t count);

/// The table-driven CRC-32C alone, so that tests can hold both against each other.
uint32_t sluice_crc32c_portable(uint32_t seed, const void *bytes, size_t count);

/// Sleeps while `*word == expected`, until woken or `timeout_nanoseconds` passed (negative: no limit).
/// Returns 0 when woken or when the value differed, 1 on time-out.
int sluice_futex_wait(const uint32_t *word, uint32_t expected, int64_t timeout_nanoseconds);

/// Wakes up to `count` sleepers on `word`.
void sluice_futex_wake(const uint32_t *word, int count);

/// Binds the calling thread to one processor. Returns 0, or an errno value.
int sluice_pin_thread(int processor);

/// Names the calling thread (at most 15 bytes) for `top -H` and profilers.
void sluice_name_thread(const char *name);

/// Secures disk space for the range without changing the file's size. Returns 0, or an errno value.
int sluice_allocate(int file, int64_t offset, int64_t count);

/// The process's resident memory in bytes, from /proc/self/statm; 0 when unknown.
uint64_t sluice_resident_bytes(void);

/// Bytes that the allocator has given out and not got back, in all its arenas.
uint64_t sluice_allocated_bytes(void);

/// Lets the allocator keep freed memory, pieces of up to 32 MiB and 256 MiB in all at the end of an arena, for the next use.
void sluice_keep_freed_memory(void);

/// Maps `byte_count` bytes of a file from `offset` (a multiple of the page size) for reading, so that pages which the disk does not
/// give back are zeros and leave a note instead of ending the process. At most 4,096 such mappings at a time.
/// Returns a number for the other two calls, 0 or more, or a negative errno value.
int sluice_map_guarded(int file, int64_t offset, size_t byte_count, const void **base);

/// 1 when a page of the mapping could not be read since it was made.
int sluice_mapping_has_failed(int mapping);

/// Ends a mapping.
void sluice_unmap_guarded(int mapping);

/// Asks for the cache line at `address`, to be read or written soon.
static inline void sluice_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

/// Tells the processor that this is a spin loop.
static inline void sluice_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

#endif
