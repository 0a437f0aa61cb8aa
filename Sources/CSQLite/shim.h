#include <sqlite3.h>

/* Variadic functions are not seen from Swift. All connections of the process share one generator of random numbers. */
static inline void sluice_sqlite_seed(int seed) {
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, seed, (sqlite3 *)0);
}
