"""What is asked of every store, in SQL and of Sluice, and how answers are compared."""

import dataclasses
import json

from comparing.day import recount
from comparing.peers import Failure

# What docs/statistics.md counts as `attempts`, as `amount` and as `payers`. Test records never count.
IS_ATTEMPT = f"event in ({recount.INITIATED}, {recount.AUTHORISED})"
ATTEMPTS = f"sum(case when {IS_ATTEMPT} then 1 else 0 end)"
HAS_PAYER = f" and {IS_ATTEMPT} and payer <> 0"
AMOUNT = (f"sum(case when event in ({recount.INITIATED}, {recount.CAPTURED}, {recount.RESOLVED})"
          f" and outcome between {recount.APPROVED * 16} and {recount.APPROVED * 16 + 15} then amount else 0 end)")
EVENTS = ["", "initiated", "authorised", "captured", "resolved", "refunded", "reversed", "charged_back"]

# Of what `sluice daily` keeps for each day, kind, service and channel: the year's cells.
CELL_DIMENSIONS = ("day", "kind", "service", "channel")
CELL_MEASURES = ("attempts", "approved", "settled", "amount", "refunds", "refund_amount")


@dataclasses.dataclass
class Question:
    key: str
    title: str
    # How Sluice comes to its answer.
    way: str
    dimensions: tuple
    # "records" or "cells": what the peers read.
    table: str
    measures: tuple = ("attempts", "amount")
    # Why Sluice has no answer.
    unanswered: str = ""
    # Of distinct payers: whether they may be estimated.
    is_estimate: bool = False

    @property
    def asks_payers(self):
        return self.measures == ("payers",)

    def sql(self, sketch=None):
        """The question in SQL; None where payers may be estimated and the store has no `sketch`, a function of a column."""
        if self.is_estimate and not sketch:
            return None
        if self.table == "cells":
            measures = "sum(attempts), sum(amount)"
        elif self.asks_payers:
            measures = f"{sketch}(payer)" if self.is_estimate else "count(distinct payer)"
        else:
            measures = f"{ATTEMPTS}, {AMOUNT}"
        names = ", ".join(self.dimensions)
        condition = "" if self.table == "cells" else " where not test"
        if self.asks_payers:
            condition += HAS_PAYER
        return f"select {names}, {measures} from {self.table}{condition} group by {names}"

    def words(self, ledger):
        """The words for `sluice`, or nothing when it cannot be asked."""
        if self.unanswered:
            return None
        return ["daily", "--data", ledger, "--by", ",".join(self.dimensions), "--measures", ",".join(self.measures),
                "--codes", "--format", "json"]


QUESTIONS = [
    Question("region", "count and sum by region", "its rollup `regions`", ("region",), "records"),
    Question("region_event", "count and sum by region and event", "scans the log: no rollup has `event`",
             ("region", "event"), "records"),
    Question("source_service", "count and sum by source and service", "scans the log: no rollup has both",
             ("source", "service"), "records"),
    Question("payers", "distinct payers by region, estimated", "scans the log: no rollup has payers", ("region",),
             "records", ("payers",), is_estimate=True),
    Question("payers_exact", "distinct payers by region, exact", "", ("region",), "records", ("payers",),
             "beyond 1,024 payers of a group it estimates"),
    Question("year", "a year of daily cells by service", "its rollup `services`", ("service",), "cells"),
]


def cells_of_sluice(question, printed):
    """Cells from what `sluice daily --format json` printed."""
    cells = {}
    for row in json.loads(printed)["rows"]:
        key = tuple(_code(name, row[name]) for name in question.dimensions)
        if key in cells:
            raise Failure(f"{question.title}: Sluice has {key} in two currencies; the day has one")
        cells[key] = tuple(int(row[name]) for name in question.measures)
    return cells


def _code(dimension, text):
    if dimension == "event":
        return EVENTS.index(text)
    return 0 if text == "none" else int(text)


def largest_error(exact, estimates):
    """The largest error of an estimate, as a share of the exact number."""
    if exact.keys() != estimates.keys():
        return float("inf")
    return max(abs(estimates[key][0] / value[0] - 1) for key, value in exact.items())


def difference(expected, found):
    """The first cell in which two answers differ, as a text; None when there is none. A cell of zeros is no cell."""
    expected = {key: value for key, value in expected.items() if any(value)}
    found = {key: value for key, value in found.items() if any(value)}
    for key in sorted(expected.keys() | found.keys()):
        if expected.get(key) != found.get(key):
            return f"cell {key}: {found.get(key, 'missing')} instead of {expected.get(key, 'nothing')}"
    return None
