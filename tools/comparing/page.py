"""Writes docs/benchmarks.md: the tables, put into the text that people write (benchmarks.template.md)."""

import datetime
import pathlib
import subprocess

from comparing.questions import QUESTIONS

TEMPLATE = pathlib.Path(__file__).resolve().parent / "benchmarks.template.md"
CHECKS = {"exact": "yes", "none": "no", "later": "not at the insert", "within the file": "within the file only"}


def table(header, rows):
    """A table in Markdown; columns after the first two are numbers when the header says so by a colon."""
    lines = ["| " + " | ".join(name.rstrip(":") for name in header) + " |",
             "|" + "|".join("---:" if name.endswith(":") else "---" for name in header) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def ratio(ours, theirs):
    """How many times as fast as the other ours is: below 1 the other is faster."""
    value = ours / theirs
    return f"{value:.0f}x" if value >= 10 else f"{value:.1f}x" if value >= 2 else f"{value:.2f}x"


def _millions(spread, repeat):
    told = f"{spread.median / 1e6:.2f} ({spread.least / 1e6:.2f} to {spread.most / 1e6:.2f})"
    return told if len(spread.values) == repeat else f"{told}, {len(spread.values)} rounds"


def _milliseconds(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _span(spread):
    if len(spread.values) == 1:
        return f"{_milliseconds(spread.median)} (once)"
    return f"{_milliseconds(spread.median)} ({_milliseconds(spread.least)} to {_milliseconds(spread.most)})"


def ingest_table(setup, ingests):
    """Rates of all cases, with Sluice's stream against each, and bytes a row."""
    stream = ingests[0].rates(setup.count).median
    rows = []
    for result in ingests:
        rates = result.rates(setup.count)
        size = result.bytes_a_row
        rows.append([result.peer.name, result.case.label, CHECKS[result.case.checks], _millions(rates, setup.repeat),
                     ratio(stream, rates.median), f"{size:.1f}" if size else ""])
    return table(["store", "how", "drops duplicates", "million records a second:", "Sluice's stream is:",
                  "bytes a row:"], rows)


def question_table(asked, names):
    """Milliseconds of all questions."""
    rows = []
    for question in QUESTIONS:
        for place, title in (("inside", "in the open store"), ("whole", "whole command")):
            cells = []
            for name in names:
                found = asked.get((name, question.key))
                spread = getattr(found, place) if found else None
                cells.append(_span(spread) if spread else "")
            rows.append([f"{question.title}, {title}", *cells])
        if question.is_estimate:
            errors = [asked[name, question.key].error if (name, question.key) in asked else None for name in names]
            rows.append([f"{question.title}, largest error of a region",
                         *("" if error is None else f"{error:.2%}".replace("%", " %") for error in errors)])
    return table(["question", *(name + ":" for name in names)], rows)


def ways_table():
    """How Sluice comes to its answers."""
    return table(["question", "Sluice"], [[question.title, question.way or f"no answer: {question.unanswered}"]
                                          for question in QUESTIONS])


def sluice_sizes(ingests):
    """Where Sluice's bytes are."""
    sample = next(result for result in ingests if result.case.key == "sluice.raw").samples[-1]
    rows = [["log", sample.bytes_on_disk], *sample.parts.items()]
    return table(["part of Sluice", "bytes a record:"],
                 [[name, f"{value / sample.rows_kept:.1f}"] for name, value in rows])


def write(path, values):
    """Fills the template."""
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        if "{{" + name + "}}" not in text:
            raise KeyError(f"the template has no {name}")
        text = text.replace("{{" + name + "}}", value)
    if "{{" in text:
        raise KeyError("the template names what is not measured: " + text.partition("{{")[2].partition("}}")[0])
    pathlib.Path(path).write_text(text, encoding="utf-8")


def commit(binary):
    """Which commit of this repository was measured, and whether there were changes to the sources on top of it."""
    def git(*words):
        done = subprocess.run(["git", "-C", str(TEMPLATE.parent), *words], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
        return done.stdout.strip() if done.returncode == 0 else None

    head = git("rev-parse", "--short=12", "HEAD")
    if not head:
        return "of an unknown commit"
    built = datetime.datetime.fromtimestamp(pathlib.Path(binary).stat().st_mtime, datetime.timezone.utc)
    committed = datetime.datetime.fromisoformat(git("log", "-1", "--format=%cI", "--", ":/Sources", ":/Package.swift"))
    told = f"of commit `{head}`"
    if git("status", "--porcelain", "--", ":/Sources", ":/Package.swift"):
        told += " with changes that are not committed"
    elif built < committed:
        told += " or an earlier one (the binary is older than the last change to the sources)"
    return told


def values(setup, peers, ingests, asked, machine, command):
    """What stands for each name in the template."""
    names = [peer.name for peer in peers if peer.asked]
    return {
        "date": datetime.date.today().isoformat(),
        "command": command, "commit": commit(setup.sluice),
        "count": f"{setup.count:,}", "accepted": f"{setup.accepted.rows:,}", "repeat": str(setup.repeat),
        "times": str(setup.times), "cells": f"{setup.cell_count:,}", "year": f"{365 * setup.year_count:,}",
        "day": setup.date,
        "generate": f"sluice generate --day {setup.date} --count {setup.count} --seed {setup.seed} --output day.raw",
        "bench": f"sluice bench ingest --count {setup.count} --day {setup.date} --seed {setup.seed} --json",
        "machine": table(["", ""], [list(fact) for fact in machine]
                         + [["versions", ", ".join(peer.version() for peer in peers)]]),
        "ingest": ingest_table(setup, ingests),
        "sizes": sluice_sizes(ingests),
        "questions": question_table(asked, names),
        "ways": ways_table(),
        "absent": absent_text(peers),
    }


def absent_text(peers):
    """What was not measured."""
    if any(peer.name == "TigerBeetle" for peer in peers):
        return ""
    return "TigerBeetle was not measured: its binary was not on the `PATH`."
