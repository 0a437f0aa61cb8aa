"""ClickHouse, embedded in Python as chDB."""

import os
import shutil
import sys
import time

from comparing.children import alone
from comparing.day import COLUMNS, KEY
from comparing.peers import Case, Failure, Peer, Sample, ask
from comparing.questions import AMOUNT, ATTEMPTS, CELL_DIMENSIONS, CELL_MEASURES

TYPES = {128: "UUID", 64: "Int64", 32: "Int32", 16: "Int16", 8: "Int8", 1: "Bool"}
DEFINITION = ", ".join(
    f"{name} {'DateTime64(6, ' + repr('UTC') + ')' if name == 'time' else TYPES[bits]}" for name, bits in COLUMNS.items())
DURABLE = "settings fsync_after_insert = 1, fsync_part_directory = 1"

PLAIN = f"create table records ({DEFINITION}) engine = MergeTree order by time {DURABLE}"
# Of several rows of a key the one with the highest version stays: that of the row which came first.
REPLACING = (f"create table records ({DEFINITION}, version UInt32 codec(Delta, LZ4))"
             f" engine = ReplacingMergeTree(version) order by ({', '.join(KEY)}) {DURABLE}")

# The views are Sluice's rollups (docs/statistics.md), with its default measures; SimpleAggregateFunction where a sum is
# enough. A view watches what is inserted, resends included.
LOCAL = "toTimeZone(time, 'Asia/Ho_Chi_Minh')"
DAY = f"toDate({LOCAL} + interval 1 hour) as day"
VIEWS = {
    "hours": [DAY, f"toHour({LOCAL}) as hour", "kind", "currency", "source", "channel", "outcome"],
    "regions": [DAY, "kind", "currency", "region", "channel"],
    "services": [DAY, "kind", "currency", "service", "channel"],
    "institutions": [DAY, "kind", "currency", "source", "payer_institution", "payee_institution"],
    "payees": [DAY, "kind", "currency", "payee"],
}


def _sums():
    """Each default measure of Sluice as an aggregate that can be merged."""
    approved = "outcome between 16 and 31"
    conditions = {
        "attempts": "event in (1, 2)", "approved": f"event in (1, 2) and {approved}",
        "settled": f"event in (1, 3, 4) and {approved}", "refunds": f"event = 5 and {approved}",
    }
    sums = [f"sumSimpleState(toUInt64({condition})) as {name}" for name, condition in conditions.items()]
    for name, counted in (("amount", "settled"), ("refund_amount", "refunds")):
        sums.append(f"sumSimpleState(if({conditions[counted]}, toInt64(records.amount), 0)) as {name}")
    return sums


def _view(name):
    keys = VIEWS[name]
    names = ", ".join(key.rpartition(" ")[2] for key in keys)
    return (f"create materialized view {name} engine = AggregatingMergeTree order by ({names}) {DURABLE} as"
            f" select {', '.join(keys + _sums())} from records where not test group by {names}")


# What is made before the day comes, and which of the exported files is taken.
CASES = {
    "clickhouse.parquet": ([PLAIN], "parquet"),
    "clickhouse.rowbinary": ([PLAIN], "rowbinary"),
    "clickhouse.view": ([PLAIN, _view("hours")], "parquet"),
    "clickhouse.views": ([PLAIN] + [_view(name) for name in VIEWS], "parquet"),
    "clickhouse.key": ([REPLACING], "parquet"),
}


def _insert(case, source):
    kind = CASES[case][1]
    if kind == "rowbinary":
        return f"insert into records from infile '{source}' format RowBinary"
    version = ", toUInt32(4294967295 - _row_number) as version" if case == "clickhouse.key" else ""
    return f"insert into records select *{version} from file('{source}', Parquet)"


class Store:
    """A session with a database in a directory."""

    def __init__(self, path):
        from chdb import session
        self.session = session.Session(path)
        self.session.query("create database if not exists store engine = Atomic")
        self.session.query("use store")

    def __call__(self, sql):
        return self.session.query(sql)

    def rows(self, sql):
        text = self.session.query(sql, "TabSeparated").bytes().decode()
        return [line.split("\t") for line in text.splitlines()]

    def close(self):
        self.session.close()


def _fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    return path


def _size(store):
    """Bytes of the table's parts after all merges."""
    store("optimize table records final")
    return int(store.rows("select sum(bytes_on_disk) from system.parts where active and table = 'records'")[0][0])


def _take(store, case, source):
    for statement in CASES[case][0]:
        store(statement)
    begun = time.monotonic()
    store(_insert(case, source))
    return time.monotonic() - begun


def _warm_and_take(path, case, warm, source):
    """As in DuckDB's; the warm-up's tables are dropped."""
    store = Store(_fresh(path))
    try:
        _take(store, case, warm)
        store("drop database store sync")
        store("create database store engine = Atomic")
        store("use store")
        os.sync()
        seconds = _take(store, case, source)
        inserted = int(store.rows("select count() from records")[0][0])
        final = " final" if case == "clickhouse.key" else ""
        rows, amount = map(int, store.rows(f"select count(), sum(amount) from records{final}")[0])
        for name in [name for name in VIEWS if any(f" view {name} " in made for made in CASES[case][0])]:
            _check_view(store, name)
        return seconds, inserted, rows, amount, _size(store)
    finally:
        store.close()


def _check_view(store, name):
    counted = store.rows(f"select sum(attempts), sum(amount) from {name}")[0]
    expected = store.rows(f"select {ATTEMPTS}, {AMOUNT} from records where not test")[0]
    if counted != expected:
        raise Failure(f"ClickHouse's view {name} comes to {counted} instead of {expected}")


def _hold(path, cells):
    """Makes a table without the rows that the replacing one still has twice, sorted by time, and the cells."""
    store = Store(path)
    try:
        names = ", ".join(COLUMNS)
        store("rename table records to replacing")
        store(PLAIN)
        store(f"insert into records select {names} from replacing final")
        store("optimize table records final")
        columns = ", ".join(CELL_DIMENSIONS + CELL_MEASURES)
        store(f"create table cells engine = MergeTree order by ({', '.join(CELL_DIMENSIONS)}) as"
              f" select {columns} from file('{cells}', Parquet)")
        store("optimize table cells final")
    finally:
        store.close()


SKETCH = "uniqHLL12"


def _answer(path, questions, times):
    store = Store(path)
    try:
        replies = {}
        for question in questions:
            sql = question.sql(SKETCH)
            replies[question.key] = ask(question, times, lambda: store.rows(sql))
        return replies
    finally:
        store.close()


class ClickHouse(Peer):
    name = "ClickHouse"
    asked = "clickhouse.key"
    cases = [
        Case("clickhouse.parquet", "Parquet", "`MergeTree`, `INSERT` from Parquet", "none"),
        Case("clickhouse.rowbinary", "RowBinary", "`MergeTree`, `INSERT` from RowBinary", "none"),
        Case("clickhouse.view", "one view",
             "`MergeTree` with one `AggregatingMergeTree` view of 7 dimensions, Parquet", "none", has_size=False),
        Case("clickhouse.views", "five views",
             "`MergeTree` with five such views, Sluice's rollups, Parquet", "none", has_size=False),
        Case("clickhouse.key", "Replacing", "`ReplacingMergeTree` by the key, Parquet", "later"),
    ]

    def _path(self, case):
        return f"{self.setup.work}/{case}"

    def version(self):
        import chdb
        return f"ClickHouse {chdb.engine_version} (chDB {chdb.__version__})"

    def measure(self, case):
        kind = CASES[case.key][1]
        seconds, inserted, rows, amount, size = alone(
            _warm_and_take, self._path(case.key), case.key, self.setup.warm(kind), self.setup.day(kind))
        self.setup.check(case, rows, amount)
        return Sample(seconds, inserted, size)

    def hold(self):
        alone(_hold, self._path(self.asked), self.setup.cells("parquet"))

    def answer(self, questions):
        return alone(_answer, self._path(self.asked), questions, self.setup.times)

    def command(self, question):
        code = ("from chdb import session; s = session.Session({!r}); s.query('use store'); print(s.query({!r}, 'CSV'))"
                .format(self._path(self.asked), question.sql(SKETCH)))
        return [sys.executable, "-c", code]
