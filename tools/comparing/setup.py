"""What all peers of a run have in common: its day, its year of cells, and what they must come to."""

import datetime
import os

from comparing import exports
from comparing.day import recount, totals
from comparing.peers import Failure, run
from comparing.peers.sluice import LOAD_CODES, ZONE
from comparing.questions import CELL_DIMENSIONS, CELL_MEASURES

RECORD_BYTES = recount.RECORD.itemsize
EXPORTS = {"parquet": exports.parquet, "csv": exports.csv, "rowbinary": exports.row_binary,
           "postgresql": exports.postgresql_binary}


class Setup:
    """Files are made when they are first asked for, all in one folder."""

    def __init__(self, options):
        self.sluice = options.sluice
        self.count, self.repeat, self.times = options.count, options.repeat, max(5, options.repeat)
        self.full = options.full
        self.date, self.seed = options.day, options.seed
        self.work = os.path.abspath(options.work)
        self._year = None

    def make(self):
        """The day itself, and what is in it."""
        os.makedirs(self.work, exist_ok=True)
        self.raw = self._generate("raw", "binary")
        # A run's first tenth is its warm-up.
        self.warm_count = self.count // 10
        self.all, self.accepted, self.payers = totals(self.raw)

    def _generate(self, kind, form):
        path = f"{self.work}/day.{kind}"
        run([self.sluice, "generate", "--day", self.date, "--count", str(self.count), "--seed", str(self.seed),
             "--format", form, "--output", path])
        return path

    def day(self, kind):
        """The file with the day in a form: raw, sluice.csv or one of EXPORTS."""
        path = f"{self.work}/day.{kind}"
        if not os.path.exists(path):
            if kind == "sluice.csv":
                self._generate(kind, "csv")
            else:
                EXPORTS[kind](self.raw, path)
        return path

    def warm(self, kind):
        """The file with the day's first tenth."""
        path = f"{self.work}/warm.{kind}"
        if not os.path.exists(path):
            if kind == "raw":
                exports.head(self.raw, self.warm_count * RECORD_BYTES, path)
            elif kind == "sluice.csv":
                exports.head_of_lines(self.day(kind), 1 + self.warm_count, path)
            else:
                EXPORTS[kind](self.raw, path, self.warm_count)
        return path

    def check(self, case, rows, amount):
        """Fails when a store does not hold what it must."""
        expected = self.all if case.checks == "none" else self.accepted
        if (rows, amount) != (expected.rows, expected.amount):
            raise Failure(f"{case.key} holds {rows} rows with an amount of {amount} in all instead of {expected.rows} "
                          f"with {expected.amount}")

    def year(self):
        """A ledger with the 365 days that end with the day, each the smaller so that together they are about two."""
        if not self._year:
            path, records = f"{self.work}/year.ledger", f"{self.work}/year.raw"
            last = datetime.date.fromisoformat(self.date)
            self.year_count = max(1000, 2 * self.count // 365)
            with open(records, "wb") as file:
                for back in range(364, -1, -1):
                    run([self.sluice, "generate", "--day", str(last - datetime.timedelta(back)), "--count",
                         str(self.year_count), "--seed", str(self.seed)], output=file)
            run([self.sluice, "init", "--data", path, *ZONE])
            run([self.sluice, "load", records, "--data", path, "--rejects", path + ".rejects"], LOAD_CODES)
            os.remove(records)
            self._year = path
        return self._year

    def cells(self, kind):
        """The year's cells that Sluice keeps by service, as a file: csv or parquet."""
        path = f"{self.work}/cells.{kind}"
        if not os.path.exists(path):
            printed = run([self.sluice, "daily", "--data", self.year(), "--by", ",".join(CELL_DIMENSIONS), "--measures",
                           ",".join(CELL_MEASURES), "--codes", "--format", "csv"])
            self.cell_count = exports.cells(printed, f"{self.work}/cells.csv", f"{self.work}/cells.parquet")
        return path
