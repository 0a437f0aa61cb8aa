#define _GNU_SOURCE
#include "AllocationCounter.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// The allocator's functions, found here before those of the C library by everything in the process, the Swift runtime
// included. They do what those do, by the names under which the library keeps its own.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

enum { most_threads = 128 };

// A line each, so that threads do not count on each other's.
static struct {
    _Alignas(128) _Atomic uint64_t count;
    _Atomic uint64_t bytes;
    pid_t thread;
} counts[most_threads];
static _Atomic size_t thread_count;
static __thread size_t own_number __attribute__((tls_model("initial-exec")));

static void note(size_t bytes) {
    if (own_number == 0) {
        size_t before = atomic_fetch_add(&thread_count, 1);
        own_number = before < most_threads ? before + 1 : most_threads;
        counts[own_number - 1].thread = (pid_t)syscall(SYS_gettid);
    }
    atomic_fetch_add_explicit(&counts[own_number - 1].count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts[own_number - 1].bytes, bytes, memory_order_relaxed);
}

void *malloc(size_t bytes) {
    note(bytes);
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
    note(count * bytes);
    return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes) {
    note(bytes);
    return __libc_realloc(memory, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
    note(bytes);
    return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *made = memalign(alignment, bytes);
    if (made == NULL) return ENOMEM;
    *memory = made;
    return 0;
}

size_t allocation_thread_count(void) {
    size_t count = atomic_load(&thread_count);
    return count < most_threads ? count : most_threads;
}

struct allocation_count allocation_count_of(size_t thread) {
    struct allocation_count result = {
        .count = atomic_load_explicit(&counts[thread].count, memory_order_relaxed),
        .bytes = atomic_load_explicit(&counts[thread].bytes, memory_order_relaxed),
    };
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", counts[thread].thread);
    FILE *file = fopen(path, "r");
    if (file == NULL) return result;
    if (fgets(result.thread, sizeof result.thread, file)) result.thread[strcspn(result.thread, "\n")] = 0;
    fclose(file);
    return result;
}
