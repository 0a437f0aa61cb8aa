#define _GNU_SOURCE
#include "CPlatform.h"

#include <sys/resource.h>
#include <sys/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/futex.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int sluice_futex_wait(const uint32_t *word, uint32_t expected, int64_t timeout_nanoseconds) {
    struct timespec limit, *limit_or_none = NULL;
    if (timeout_nanoseconds >= 0) {
        limit.tv_sec = timeout_nanoseconds / 1000000000;
        limit.tv_nsec = timeout_nanoseconds % 1000000000;
        limit_or_none = &limit;
    }
    long result = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, limit_or_none, NULL, 0);
    return result == -1 && errno == ETIMEDOUT ? 1 : 0;
}

void sluice_futex_wake(const uint32_t *word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

int sluice_pin_thread(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

void sluice_name_thread(const char *name) {
    char shortened[16];
    snprintf(shortened, sizeof shortened, "%s", name);
    pthread_setname_np(pthread_self(), shortened);
}

void sluice_let_others_go_first(void) {
    // On Linux a nice value is a thread's own; 10 is a tenth of the weight of 0. To be nicer needs no permission.
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
}

int sluice_allocate(int file, int64_t offset, int64_t count) {
    int result;
    do {
        result = fallocate(file, FALLOC_FL_KEEP_SIZE, offset, count);
    } while (result == -1 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

uint64_t sluice_resident_bytes(void) {
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    int fields = fscanf(file, "%lu %lu", &total, &resident);
    fclose(file);
    return fields == 2 ? (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

void sluice_forbid_core_dumps(void) {
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    // A program that takes cores through a pipe gets them whatever that limit says.
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void sluice_keep_freed_memory(void) {
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

uint64_t sluice_allocated_bytes(void) {
    struct mallinfo2 information = mallinfo2();
    return information.uordblks + information.hblkhd;
}
