// What Swift cannot say itself: a CPU instruction, two system calls behind variadics, a prefetch, a signal handler, and the
// step from a comparison of many bytes to one bit for each.
#ifndef SLUICE_CPLATFORM_H
#define SLUICE_CPLATFORM_H

#include <stddef.h>
#include <stdint.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

/// Lets other threads, of other processes too, go before the calling one where there are not enough processors for all.
void sluice_let_others_go_first(void);

/// Secures disk space for the range without changing the file's size. Returns 0, or an errno value.
int sluice_allocate(int file, int64_t offset, int64_t count);

/// The process's resident memory in bytes, from /proc/self/statm; 0 when unknown.
uint64_t sluice_resident_bytes(void);

/// Bytes that the allocator has given out and not got back, in all its arenas.
uint64_t sluice_allocated_bytes(void);

/// Lets the allocator keep freed memory, pieces of up to 32 MiB and 256 MiB in all at the end of an arena, for the next use.
void sluice_keep_freed_memory(void);

/// Has the system write no core file when the process crashes, nor hand one to another program.
void sluice_forbid_core_dumps(void);

/// Maps `byte_count` bytes of a file from `offset` (a multiple of the page size) for reading, so that pages which the disk does not
/// give back are zeros and leave a note instead of ending the process. At most 4,096 such mappings at a time.
/// Returns a number for the other two calls, 0 or more, or a negative errno value.
int sluice_map_guarded(int file, int64_t offset, size_t byte_count, const void **base);

/// 1 when a page of the mapping could not be read since it was made.
int sluice_mapping_has_failed(int mapping);

/// Takes the mapping's pages out of the process's memory; they come back when they are looked at.
void sluice_forget_guarded(int mapping);

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

/// Which of the 64 bytes at `bytes` are a line feed, a double quote or `separator`; bit 0 stands for the first.
static inline uint64_t sluice_csv_marks(const uint8_t *bytes, uint8_t separator) {
    uint64_t marks = 0;
#if defined(__SSE2__)
    const __m128i line_feeds = _mm_set1_epi8('\n'), quotes = _mm_set1_epi8('"'), separators = _mm_set1_epi8((char)separator);
    for (int step = 0; step < 4; step++) {
        const __m128i piece = _mm_loadu_si128((const __m128i *)(bytes + 16 * step));
        const __m128i found = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(piece, line_feeds), _mm_cmpeq_epi8(piece, quotes)),
            _mm_cmpeq_epi8(piece, separators));
        marks |= (uint64_t)(uint32_t)_mm_movemask_epi8(found) << (16 * step);
    }
#else
    for (int step = 0; step < 64; step++)
        marks |= (uint64_t)(bytes[step] == '\n' || bytes[step] == '"' || bytes[step] == separator) << step;
#endif
    return marks;
}

/// How many of the bytes are `byte`.
static inline size_t sluice_count_byte(const uint8_t *bytes, size_t count, uint8_t byte) {
    size_t total = 0;
    while (count > 0) {
        // So few that their number fits in a byte: sixteen are counted by one addition.
        const size_t step = count < 240 ? count : 240;
        uint8_t found = 0;
        for (size_t position = 0; position < step; position++) found = (uint8_t)(found + (bytes[position] == byte));
        total += found;
        bytes += step;
        count -= step;
    }
    return total;
}

/// Which of the 16 bytes at `bytes` end the plain part of a JSON string: a quote, a backslash or a control character.
static inline uint32_t sluice_json_marks(const uint8_t *bytes) {
#if defined(__SSE2__)
    const __m128i piece = _mm_loadu_si128((const __m128i *)bytes), last_control = _mm_set1_epi8(0x1F);
    const __m128i found = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(piece, _mm_set1_epi8('"')), _mm_cmpeq_epi8(piece, _mm_set1_epi8('\\'))),
        _mm_cmpeq_epi8(_mm_max_epu8(piece, last_control), last_control));
    return (uint32_t)_mm_movemask_epi8(found);
#else
    uint32_t marks = 0;
    for (int step = 0; step < 16; step++)
        marks |= (uint32_t)(bytes[step] == '"' || bytes[step] == '\\' || bytes[step] < 0x20) << step;
    return marks;
#endif
}

#endif
