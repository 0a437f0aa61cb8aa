// Feeds raw 64-byte records into a SQLite database with prepared statements, as fast as SQLite takes them: from C, since
// Python's binding takes several times as long as SQLite itself. Called by comparing/peers/sqlite.py.
//
//     sqlite_feed DATABASE INSERT RECORDS BATCH
//
// INSERT is the statement, with a parameter for each column in the order of comparing/day.py. Each transaction has BATCH
// records. Prints the seconds from the first transaction's begin to the last one's durable end.

#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// docs/architecture.md describes the record; this machine's integers are little-endian, as its are.
struct record {
    uint8_t id[16];
    int64_t time, amount;
    uint8_t payer[6];
    uint16_t payer_institution;
    int32_t payee, service, duration;
    uint16_t source, payee_institution, region, currency;
    uint8_t kind_and_event, outcome, channel, flags;
};
_Static_assert(sizeof(struct record) == 64, "a record has 64 bytes");

static sqlite3 *database;

static void check(int status) {
    if (status == SQLITE_OK || status == SQLITE_DONE) return;
    fprintf(stderr, "sqlite_feed: %s\n", sqlite3_errmsg(database));
    exit(1);
}

static void bind(sqlite3_stmt *insert, const struct record *record) {
    int place = 0;
    uint64_t payer = 0;
    memcpy(&payer, record->payer, sizeof record->payer);
    check(sqlite3_bind_blob(insert, ++place, record->id, sizeof record->id, SQLITE_STATIC));
    const int64_t values[] = {
        record->time, record->amount, (int64_t)payer, record->payee, record->service, record->duration,
        record->payer_institution, record->payee_institution, record->source, record->region, record->currency,
        record->kind_and_event & 15, record->kind_and_event >> 4, record->flags >> 4, record->outcome, record->channel,
        record->flags & 1, record->flags >> 1 & 1,
    };
    for (size_t column = 0; column < sizeof values / sizeof *values; column++)
        check(sqlite3_bind_int64(insert, ++place, values[column]));
}

int main(int count, char **words) {
    if (count != 5) return fprintf(stderr, "usage: sqlite_feed DATABASE INSERT RECORDS BATCH\n"), 64;
    int file = open(words[3], O_RDONLY);
    struct stat facts;
    if (file < 0 || fstat(file, &facts)) return perror(words[3]), 1;
    const struct record *records = mmap(NULL, facts.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (records == MAP_FAILED) return perror(words[3]), 1;
    size_t total = facts.st_size / sizeof *records, batch = strtoul(words[4], NULL, 10);

    check(sqlite3_open(words[1], &database));
    check(sqlite3_exec(database, "pragma synchronous = full; pragma cache_size = -4000000", NULL, NULL, NULL));
    sqlite3_stmt *insert;
    check(sqlite3_prepare_v2(database, words[2], -1, &insert, NULL));
    struct timespec begun, ended;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (size_t next = 0; next < total;) {
        check(sqlite3_exec(database, "begin immediate", NULL, NULL, NULL));
        size_t end = next + batch < total ? next + batch : total;
        for (; next < end; next++) {
            bind(insert, &records[next]);
            check(sqlite3_step(insert));
            check(sqlite3_reset(insert));
        }
        check(sqlite3_exec(database, "commit", NULL, NULL, NULL));
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%.6f\n", (ended.tv_sec - begun.tv_sec) + (ended.tv_nsec - begun.tv_nsec) / 1e9);
    check(sqlite3_finalize(insert));
    check(sqlite3_close(database));
    return 0;
}
