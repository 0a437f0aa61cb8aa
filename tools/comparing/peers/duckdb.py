"""DuckDB, embedded in Python as PyPI has it."""

import os
import sys
import time

from comparing.children import alone
from comparing.day import COLUMNS, KEY
from comparing.peers import Case, Peer, Sample, ask
from comparing.questions import CELL_DIMENSIONS, CELL_MEASURES

TYPES = {128: "UUID", 64: "BIGINT", 32: "INTEGER", 16: "SMALLINT", 8: "TINYINT", 1: "BOOLEAN"}
DEFINITION = ", ".join(
    f"{name} {'TIMESTAMP' if name == 'time' else TYPES[bits]} not null" for name, bits in COLUMNS.items())
SKETCH = "approx_count_distinct"
PRIMARY_KEY = f", primary key ({', '.join(KEY)})"

# What is made, and what is inserted from a file, by case.
STATEMENTS = {
    "duckdb.parquet": ("", "insert into records from read_parquet('{}')"),
    "duckdb.csv": ("", "insert into records from read_csv('{}')"),
    "duckdb.window": ("", "insert into records select * exclude (file_row_number)"
                      " from read_parquet('{}', file_row_number = true)"
                      f" qualify row_number() over (partition by {', '.join(KEY)} order by file_row_number) = 1"),
    "duckdb.key": (PRIMARY_KEY, "insert into records from read_parquet('{}') on conflict do nothing"),
}


def _remove(path):
    for name in (path, path + ".wal"):
        if os.path.exists(name):
            os.remove(name)


def _take(path, case, source):
    """Makes a database file and takes the day into it. Returns seconds until it was durable, rows, amount and bytes."""
    import duckdb
    _remove(path)
    key, insert = STATEMENTS[case]
    connection = duckdb.connect(path)
    connection.execute("set enable_progress_bar = false")
    if key:
        # With two threads the second of two rows in conflict may win; ours must be the first.
        connection.execute("set threads = 1")
    connection.execute(f"create table records ({DEFINITION}{key})")
    begun = time.monotonic()
    connection.execute(insert.format(source))
    connection.execute("checkpoint")
    seconds = time.monotonic() - begun
    rows, amount = connection.execute("select count(*), sum(amount) from records").fetchone()
    connection.close()
    return seconds, rows, int(amount), os.path.getsize(path)


def _warm_and_take(path, case, warm, source):
    _take(path + ".warm", case, warm)
    _remove(path + ".warm")
    os.sync()
    return _take(path, case, source)


def _load_cells(path, cells):
    import duckdb
    connection = duckdb.connect(path)
    columns = ", ".join(CELL_DIMENSIONS + CELL_MEASURES)
    connection.execute(f"create or replace table cells as select {columns} from read_parquet('{cells}')")
    connection.execute("checkpoint")
    connection.close()


def _answer(path, questions, times):
    import duckdb
    connection = duckdb.connect(path, read_only=True)
    connection.execute("set enable_progress_bar = false")
    replies = {}
    for question in questions:
        sql = question.sql(SKETCH)
        replies[question.key] = ask(question, times, lambda: connection.execute(sql).fetchall())
    connection.close()
    return replies


class DuckDB(Peer):
    name = "DuckDB"
    asked = "duckdb.key"
    cases = [
        Case("duckdb.parquet", "Parquet", "`INSERT` from Parquet", "none"),
        Case("duckdb.csv", "CSV", "`INSERT` from CSV", "none"),
        Case("duckdb.window", "window function", "`INSERT` from Parquet through a window function, no key",
             "within the file"),
        Case("duckdb.key", "primary key", "`INSERT ... ON CONFLICT DO NOTHING` from Parquet, primary key", "exact"),
    ]

    def _path(self, case):
        return f"{self.setup.work}/{case}.duckdb"

    def version(self):
        import duckdb
        return f"DuckDB {duckdb.__version__}"

    def measure(self, case):
        kind = "csv" if case.key == "duckdb.csv" else "parquet"
        seconds, rows, amount, size = alone(
            _warm_and_take, self._path(case.key), case.key, self.setup.warm(kind), self.setup.day(kind))
        self.setup.check(case, rows, amount)
        return Sample(seconds, rows, size)

    def hold(self):
        alone(_load_cells, self._path(self.asked), self.setup.cells("parquet"))

    def answer(self, questions):
        return alone(_answer, self._path(self.asked), questions, self.setup.times)

    def command(self, question):
        sql = question.sql(SKETCH)
        path = self._path(self.asked)
        code = f"import duckdb; print(duckdb.connect({path!r}, read_only=True).execute({sql!r}).fetchall())"
        return [sys.executable, "-c", code]
