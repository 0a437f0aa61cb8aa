"""SQLite as Debian has it, fed from C (comparing/sqlite_feed.c); tables and questions through its own command."""

import os
import pathlib
import sqlite3

from comparing.day import COLUMNS, KEY
from comparing.peers import Case, Peer, Sample, ask, run
from comparing.questions import CELL_DIMENSIONS, CELL_MEASURES

DEFINITION = ", ".join(f"{name} {'blob' if name == 'id' else 'integer'} not null" for name in COLUMNS)
TABLES = {
    "sqlite.plain": f"create table records ({DEFINITION})",
    # One tree with the rows in the order of the key: for this day faster and smaller than a table and an index beside it.
    "sqlite.key": f"create table records ({DEFINITION}, primary key ({', '.join(KEY)})) without rowid",
}
PLACES = ", ".join("?" * len(COLUMNS))
INSERTS = {
    "sqlite.plain": f"insert into records values ({PLACES})",
    "sqlite.key": f"insert or ignore into records values ({PLACES})",
}


def _remove(path):
    for ending in ("", "-wal", "-shm"):
        if os.path.exists(path + ending):
            os.remove(path + ending)


class SQLite(Peer):
    name = "SQLite"
    asked = "sqlite.key"
    cases = [
        Case("sqlite.plain", "no key", "`INSERT` from C", "none"),
        Case("sqlite.key", "primary key", "`INSERT OR IGNORE` from C, primary key, `WITHOUT ROWID`", "exact"),
    ]

    def version(self):
        return "SQLite " + run(["sqlite3", "--version"]).split()[0]

    def start(self):
        source = pathlib.Path(__file__).resolve().parent.parent / "sqlite_feed.c"
        self.feed = f"{self.setup.work}/sqlite_feed"
        run(["cc", "-O2", "-o", self.feed, source, "-lsqlite3"])

    def _path(self, case):
        return f"{self.setup.work}/{case}.sqlite"

    def _take(self, path, case, source):
        _remove(path)
        run(["sqlite3", path, f"pragma journal_mode = wal; {TABLES[case]}"])
        os.sync()
        # The whole day in one transaction, which is the fastest.
        return float(run([self.feed, path, INSERTS[case], source, str(1 << 40)]))

    def measure(self, case):
        path = self._path(case.key)
        self._take(path + ".warm", case.key, self.setup.warm("raw"))
        _remove(path + ".warm")
        seconds = self._take(path, case.key, self.setup.day("raw"))
        connection = sqlite3.connect(path)
        connection.execute("pragma wal_checkpoint(truncate)")
        rows, amount = connection.execute("select count(*), sum(amount) from records").fetchone()
        connection.close()
        self.setup.check(case, rows, amount)
        return Sample(seconds, rows, os.path.getsize(path))

    def hold(self):
        columns = ", ".join(f"{name} integer" if name != "day" else "day text"
                            for name in CELL_DIMENSIONS + CELL_MEASURES)
        run(["sqlite3", self._path(self.asked), "drop table if exists cells", f"create table cells ({columns})",
             f".import --csv --skip 1 '{self.setup.cells('csv')}' cells"])

    def answer(self, questions):
        connection = sqlite3.connect(self._path(self.asked))
        replies = {}
        for question in questions:
            sql = question.sql()
            if not sql:
                continue
            replies[question.key] = ask(question, self.setup.times, lambda: connection.execute(sql).fetchall())
        connection.close()
        return replies

    def command(self, question):
        return ["sqlite3", self._path(self.asked), question.sql()]
