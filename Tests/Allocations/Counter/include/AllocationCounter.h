// Counts heap allocations of the process that it is linked into, thread by thread.
#ifndef SLUICE_ALLOCATION_COUNTER_H
#define SLUICE_ALLOCATION_COUNTER_H

#include <stddef.h>
#include <stdint.h>

/// What one thread has allocated since it began.
struct allocation_count {
    /// The thread's name, as the kernel has it; empty when it has ended.
    char thread[16];
    /// Allocations, grown ones included.
    uint64_t count;
    /// Bytes that were asked for.
    uint64_t bytes;
};

/// Threads that have allocated so far. Those beyond a hundred or so are counted as one.
size_t allocation_thread_count(void);

/// What a thread, 0 to `allocation_thread_count`, has allocated.
struct allocation_count allocation_count_of(size_t thread);

#endif
