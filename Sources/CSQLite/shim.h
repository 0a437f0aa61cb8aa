#include <sqlite3.h>

/* Variadic functions are not seen from Swift. All connections of the process share one generator of random numbers. */
static inline void sluice_sqlite_seed(int seed) {
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, seed, (sqlite3 *)0);
}

/* Sets a switch of a connection (SQLITE_DBCONFIG_...) that is on or off. */
static inline int sluice_sqlite_switch(sqlite3 *database, int which, int is_on) {
    return sqlite3_db_config(database, which, is_on, (int *)0);
}

/* A virtual table and a cursor over it as SQLite knows them, and the object behind each. */
typedef struct {
    sqlite3_vtab base;
    void *object;
} sluice_sqlite_table;

typedef struct {
    sqlite3_vtab_cursor base;
    void *object;
} sluice_sqlite_cursor;

/* Lists of values for one constraint: from 3.38 on. Before, each value is asked for by itself. */
static inline int sluice_sqlite_take_list(sqlite3_index_info *info, int constraint, int is_taken) {
#if SQLITE_VERSION_NUMBER >= 3038000
    return sqlite3_vtab_in(info, constraint, is_taken);
#else
    return 0;
#endif
}

static inline int sluice_sqlite_first_of_list(sqlite3_value *list, sqlite3_value **value) {
#if SQLITE_VERSION_NUMBER >= 3038000
    return sqlite3_vtab_in_first(list, value);
#else
    return SQLITE_ERROR;
#endif
}

static inline int sluice_sqlite_next_of_list(sqlite3_value *list, sqlite3_value **value) {
#if SQLITE_VERSION_NUMBER >= 3038000
    return sqlite3_vtab_in_next(list, value);
#else
    return SQLITE_DONE;
#endif
}
