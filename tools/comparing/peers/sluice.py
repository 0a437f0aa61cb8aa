"""Sluice itself: over the network, embedded, and asked by its own command."""

import json
import os
import shutil
import time

from comparing.peers import Case, Failure, Peer, Reply, Sample, run
from comparing.questions import cells_of_sluice

ZONE = ["--time-zone", "Asia/Ho_Chi_Minh", "--cutover", "23:00"]
# 1: done, but some rows were in conflict, as they must be in this day.
LOAD_CODES = (0, 1)


def tree_bytes(path):
    """Bytes of the files under a directory."""
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


class Sluice(Peer):
    name = "Sluice"
    asked = "sluice.raw"
    cases = [
        Case("sluice.stream", "stream over TCP", "`bench ingest`: from a client over loopback TCP", "exact"),
        Case("sluice.raw", "load, raw", "`load` of raw records", "exact"),
        Case("sluice.csv", "load, CSV", "`load` of CSV", "exact"),
    ]

    def version(self):
        return "Sluice " + run([self.setup.sluice, "--version"]).strip()

    def _path(self, case):
        return f"{self.setup.work}/{case}.ledger"

    def measure(self, case):
        return self._stream(case) if case.key == "sluice.stream" else self._load(case)

    def _stream(self, case):
        """The command generates the same day, and makes a daemon and a warm-up of a tenth by itself."""
        path = self._path(case.key)
        shutil.rmtree(path, ignore_errors=True)
        result = json.loads(run([
            self.setup.sluice, "bench", "ingest", "--count", str(self.setup.count), "--day", self.setup.date, "--seed",
            str(self.setup.seed), "--data", path, "--json"]))
        rows = sum(result[name] for name in ("accepted", "duplicates", "conflicts", "rejected"))
        if rows != self.setup.count:
            raise Failure(f"bench ingest accounts for {rows} of {self.setup.count} records")
        self._check_rows(case, result["accepted"])
        return Sample(result["seconds"], result["accepted"], *self._sizes(path))

    def _load(self, case):
        """The whole command: it reads, checks, makes durable and saves its statistics. """
        kind = "raw" if case.key == "sluice.raw" else "sluice.csv"
        path = self._path(case.key)
        for source, target in ((self.setup.warm(kind), path + ".warm"), (self.setup.day(kind), path)):
            shutil.rmtree(target, ignore_errors=True)
            run([self.setup.sluice, "init", "--data", target, *ZONE])
            os.sync()
            begun = time.monotonic()
            printed = run([self.setup.sluice, "load", source, "--data", target, "--rejects", path + ".rejects", "--json"],
                          LOAD_CODES)
            seconds = time.monotonic() - begun
        shutil.rmtree(path + ".warm")
        accepted = json.loads(printed)["accepted"]
        self._check_rows(case, accepted)
        return Sample(seconds, accepted, *self._sizes(path))

    def _check_rows(self, case, rows):
        if rows != self.setup.accepted.rows:
            raise Failure(f"{case.label}: Sluice accepted {rows} records instead of {self.setup.accepted.rows}")

    def _sizes(self, path):
        """Bytes of the log; of the index of closed days and the statistics apart."""
        log = json.loads(run([self.setup.sluice, "status", "--data", path, "--json"]))["bytes"]
        index = tree_bytes(path + "/index")
        return log, {"index": index, "statistics": tree_bytes(path) - index - tree_bytes(path + "/log")}

    def ledger(self, question):
        return self.setup.year() if question.table == "cells" else self._path(self.asked)

    def hold(self):
        run([self.setup.sluice, "verify", "--data", self._path(self.asked)])
        self.setup.cells("csv")

    def answer(self, questions):
        """Cells, and the milliseconds of each further time in the same process, over the ledger that is open already."""
        replies = {}
        for question in questions:
            words = question.words(self.ledger(question))
            if words:
                printed = run([self.setup.sluice, *words, "--timed", str(self.setup.times)])
                replies[question.key] = Reply(cells_of_sluice(question, printed), json.loads(printed)["milliseconds"])
        return replies

    def command(self, question):
        words = question.words(self.ledger(question))
        return [self.setup.sluice, *words] if words else None
