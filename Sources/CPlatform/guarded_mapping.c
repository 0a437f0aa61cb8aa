#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

// The kernel answers a look at a mapped page that the disk does not give back with SIGBUS. The handler puts a page of zeros in
// its place and makes a note; whoever looked asks for the note afterwards. Other causes of SIGBUS go where they went before.

enum { slot_count = 4096 };

static struct {
    atomic_bool is_taken;
    _Atomic size_t byte_count;
    _Atomic uintptr_t base;
    atomic_bool has_failed;
} slots[slot_count];

static struct sigaction previous;
static pthread_once_t installation = PTHREAD_ONCE_INIT;
static size_t page_byte_count;

static void pass_on(int number, siginfo_t *information, void *context) {
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(number, information, context);
    } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
        signal(number, SIG_DFL);  // The instruction is tried again and ends the process.
    } else {
        previous.sa_handler(number);
    }
}

static void handle(int number, siginfo_t *information, void *context) {
    int saved = errno;
    uintptr_t address = (uintptr_t)information->si_addr;
    for (int slot = 0; slot < slot_count; slot++) {
        uintptr_t base = atomic_load(&slots[slot].base);
        if (base == 0 || address < base || address - base >= atomic_load(&slots[slot].byte_count)) continue;
        void *page = (void *)(address - address % page_byte_count);
        void *zeros = mmap(page, page_byte_count, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (zeros == MAP_FAILED) break;
        atomic_store(&slots[slot].has_failed, true);
        errno = saved;
        return;
    }
    errno = saved;
    pass_on(number, information, context);
}

static void install(void) {
    page_byte_count = (size_t)sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
}

int sluice_map_guarded(int file, int64_t offset, size_t byte_count, const void **base) {
    pthread_once(&installation, install);
    for (int slot = 0; slot < slot_count; slot++) {
        if (atomic_exchange(&slots[slot].is_taken, true)) continue;
        void *mapped = mmap(NULL, byte_count, PROT_READ, MAP_SHARED, file, offset);
        if (mapped == MAP_FAILED) {
            int reason = errno;
            atomic_store(&slots[slot].is_taken, false);
            return -reason;
        }
        atomic_store(&slots[slot].has_failed, false);
        atomic_store(&slots[slot].byte_count, byte_count);
        atomic_store(&slots[slot].base, (uintptr_t)mapped);
        *base = mapped;
        return slot;
    }
    return -ENOMEM;
}

int sluice_mapping_has_failed(int slot) { return atomic_load(&slots[slot].has_failed); }

void sluice_forget_guarded(int slot) {
    madvise((void *)atomic_load(&slots[slot].base), atomic_load(&slots[slot].byte_count), MADV_DONTNEED);
}

void sluice_unmap_guarded(int slot) {
    void *base = (void *)atomic_exchange(&slots[slot].base, 0);
    munmap(base, atomic_load(&slots[slot].byte_count));
    atomic_store(&slots[slot].is_taken, false);
}
