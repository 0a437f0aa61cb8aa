"""Holds what tools/benchmarks measured against Benchmarks/thresholds.json.

Each benchmark has a figure there, and what the anchor that its work depends on most did in the same run, on the machine that
the file names. A machine on which that anchor is slower may be slower by as much; one on which it is faster need not be
faster. Below `tolerance` of the figure thus allowed for, a benchmark fails.
"""
import json
import pathlib
import platform
import statistics
import sys

THRESHOLDS = pathlib.Path(__file__).parent.parent / "Benchmarks" / "thresholds.json"
PREFIX = "package.benchmark.EngineBenchmarks."

# By the beginning of a benchmark's name. The ring's, a word between two threads, is measured with it.
ANCHORS = {
    "identities": "anchor: independent random reads",
    "frames: cut and check": "anchor: copying records in the near cache",
    "": "anchor: mixing words",
}


class Result:
    """The median of a benchmark's repetitions, in records a second, and for the ring that of its anchor between them."""

    def __init__(self, entry):
        self.name = entry["benchmark"].removeprefix(PREFIX).replace("_", " ")
        self.figure = self.median(entry, "records / s")
        self.words = self.median(entry, "words / s") if self.name.startswith("ring") else None

    @staticmethod
    def median(entry, metric):
        return statistics.median(entry["secondaryMetrics"][metric]["rawData"][0])


def read_results(path):
    return {result.name: result for result in map(Result, json.loads(pathlib.Path(path).read_text()))}


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def rounded(figure):
    """To three digits: no more is meant."""
    return int(round(figure, 3 - len(str(int(figure)))))


def anchored(result, measured):
    """What the anchor of a benchmark did meanwhile; None for an anchor."""
    if result.words or result.name.startswith("anchor"):
        return result.words
    anchor = next(anchor for beginning, anchor in ANCHORS.items() if result.name.startswith(beginning))
    return measured[anchor].figure


def update(measured):
    known = json.loads(THRESHOLDS.read_text()) if THRESHOLDS.exists() else {"tolerance": 0.5, "benchmarks": {}}
    known["machine"] = processor()
    for name, result in sorted(measured.items()):
        if anchor := anchored(result, measured):
            known["benchmarks"][name] = {"recordsPerSecond": rounded(result.figure), "anchorPerSecond": rounded(anchor)}
    THRESHOLDS.write_text(json.dumps(known, indent=2) + "\n")


def check(measured):
    """Prints a line for each benchmark; returns how many are too slow or have no threshold."""
    known = json.loads(THRESHOLDS.read_text())
    failures = 0
    width = max(map(len, measured))
    print(f"{'':{width}}  million records/s   at least")
    for name, result in sorted(measured.items()):
        line = f"{name:{width}}  {result.figure / 1e6:17.2f}"
        if anchor := anchored(result, measured):
            if expected := known["benchmarks"].get(name):
                share = min(1.0, anchor / expected["anchorPerSecond"])
                least = known["tolerance"] * share * expected["recordsPerSecond"]
                line += f" {least / 1e6:10.2f}"
                problem = "TOO SLOW" if result.figure < least else None
            else:
                problem = "has no threshold: --update makes one"
            if problem:
                failures += 1
                line += f"   {problem}"
        print(line)
    return failures


def main():
    measured = read_results(sys.argv[1])
    if "--update" in sys.argv[2:]:
        update(measured)
    failures = check(measured)
    print(f"{len(measured)} measured, {failures} too slow or without a threshold")
    sys.exit(1 if failures else 0)


main()
