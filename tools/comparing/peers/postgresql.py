"""PostgreSQL as Debian has it: a cluster of its own in a temporary directory, on a Unix socket there."""

import glob
import os
import re
import shutil
import tempfile

from comparing.day import COLUMNS, KEY
from comparing.peers import PATIENCE_SECONDS, Case, Failure, Peer, Reply, Sample, cells_of_rows, run, timed
from comparing.questions import CELL_DIMENSIONS, CELL_MEASURES

ACCOUNT = "postgres"
TYPES = {128: "uuid", 64: "bigint", 32: "integer", 16: "smallint", 8: "smallint", 1: "boolean"}
DEFINITION = ", ".join(
    f"{name} {'timestamp' if name == 'time' else TYPES[bits]} not null" for name, bits in COLUMNS.items())
# Durable as by default; memory and log as one would give them to take a day in. wal_level is the cheapest there is.
SETTINGS = {
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "wal_level": "minimal", "max_wal_senders": "0",
    "shared_buffers": "4GB", "max_wal_size": "32GB", "checkpoint_timeout": "1h", "wal_buffers": "64MB",
    "work_mem": "256MB", "maintenance_work_mem": "1GB", "listen_addresses": "''",
}

TABLES = {
    "postgresql.copy": f"create table {{}} ({DEFINITION})",
    "postgresql.key": f"create table {{}} ({DEFINITION}, primary key ({', '.join(KEY)}))",
}

class PostgreSQL(Peer):
    name = "PostgreSQL"
    asked = "postgresql.key"
    cases = [
        Case("postgresql.copy", "COPY", "`COPY` from binary", "none"),
        Case("postgresql.key", "primary key",
             "`INSERT ... ON CONFLICT DO NOTHING` from a foreign table over a binary file, primary key", "exact"),
    ]
    place = None

    @staticmethod
    def _programs():
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
        if not found:
            raise Failure("there is no PostgreSQL: apt-get install postgresql")
        return os.path.dirname(found[-1])

    def version(self):
        return "PostgreSQL " + run([self._programs() + "/postgres", "--version"]).split()[2]

    def _as_account(self, arguments):
        """The command as the account that PostgreSQL runs as, which must not be root."""
        return ["runuser", "-u", ACCOUNT, "--"] + arguments if os.geteuid() == 0 else arguments

    def start(self):
        self.place = tempfile.mkdtemp(prefix="compare-postgresql-", dir=self.setup.work)
        if os.geteuid() == 0:
            shutil.chown(self.place, ACCOUNT)
        programs = self._programs()
        run(self._as_account([programs + "/initdb", "--pgdata", self.place + "/data", "--auth", "trust",
                              "--username", ACCOUNT, "--encoding", "UTF8", "--locale", "C", "--no-instructions"]),
            cwd=self.place)
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        run(self._as_account([programs + "/pg_ctl", "start", "--wait", "--pgdata", self.place + "/data", "--log",
                              self.place + "/log", "--options", f"{options} -c unix_socket_directories={self.place}"]),
            cwd=self.place)
        self._sql("create extension file_fdw; create server files foreign data wrapper file_fdw")

    def stop(self):
        if self.place and os.path.exists(self.place + "/data/postmaster.pid"):
            run(self._as_account([self._programs() + "/pg_ctl", "stop", "--wait", "--mode", "fast", "--pgdata",
                                  self.place + "/data"]), cwd=self.place)
        if self.place:
            shutil.rmtree(self.place)

    def _words(self, *statements):
        words = ["psql", "--host", self.place, "--username", ACCOUNT, "--dbname", "postgres", "--no-psqlrc", "--quiet",
                 "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]
        for statement in statements:
            words += ["--command", statement]
        return words

    def _sql(self, *statements):
        return run(self._words(*statements))

    def _take(self, case, table, source):
        """Seconds of the statement, a transaction of its own, as psql tells them."""
        self._sql(f"drop table if exists {table}", TABLES[case].format(table), "checkpoint")
        insert = f"copy {table} from '{source}' with (format binary)"
        if case == "postgresql.key":
            self._sql("drop foreign table if exists incoming",
                      f"create foreign table incoming ({DEFINITION}) server files"
                      f" options (filename '{source}', format 'binary')")
            insert = f"insert into {table} select * from incoming on conflict do nothing"
        os.sync()
        return _milliseconds(self._sql("\\timing on", insert))[0] / 1000

    def measure(self, case):
        self._take(case.key, "warm", self.setup.warm("postgresql"))
        self._sql("drop table warm")
        table = case.key.replace(".", "_")
        seconds = self._take(case.key, table, self.setup.day("postgresql"))
        rows, amount, size = map(int, self._sql(
            f"select count(*), sum(amount), pg_total_relation_size('{table}') from {table}").split("|"))
        self.setup.check(case, rows, amount)
        return Sample(seconds, rows, size)

    def hold(self):
        columns = ", ".join(f"{name} bigint" if name != "day" else "day date"
                            for name in CELL_DIMENSIONS + CELL_MEASURES)
        self._sql("alter table postgresql_key rename to records", "drop table if exists cells",
                  f"create table cells ({columns})",
                  f"copy cells from '{self.setup.cells('csv')}' with (format csv, header true)",
                  "vacuum analyze")

    def answer(self, questions):
        """In one session for each question, timed by psql: the first time warms up."""
        replies = {}
        for question in questions:
            sql = question.sql()
            if not sql:
                continue
            rows, milliseconds = timed(lambda: self._sql(sql), 1)
            times = max(1, min(self.setup.times, int(PATIENCE_SECONDS * 1000 / milliseconds[-1])))
            told = self._sql("\\timing on", "\\o /dev/null", *[sql] * (1 + times))
            rows = [line.split("|") for line in rows.splitlines()]
            replies[question.key] = Reply(cells_of_rows(question, rows), _milliseconds(told)[1:])
        return replies

    def command(self, question):
        return self._words(question.sql())


def _milliseconds(printed):
    """The times that psql told, in milliseconds."""
    return [float(text) for text in re.findall(r"^Time: ([0-9.]+) ms", printed, re.MULTILINE)]
