"""Measures Sluice and other stores with the very same records, compares their answers, and writes docs/benchmarks.md.

    tools/compare-peers
    tools/compare-peers --quick
    tools/compare-peers --peers duckdb,sqlite --repeat 3 --output /tmp/benchmarks.md

The reference day is generated once and exported to what each store takes fastest; only the part that makes the rows durable
in the store's own file is timed, each time after a warm-up with a tenth of the day, in rounds over all cases. A store that
does not hold what it must, or answers otherwise than Sluice, ends the run with an error.

Exits with 1 when an answer differs or a store fails, and writes no page then.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys

from comparing.peers import Failure

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ("duckdb", "clickhouse", "postgresql", "sqlite", "tigerbeetle")


def parse(words):
    parser = argparse.ArgumentParser(
        prog="tools/compare-peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, metavar="N", help="records of the day (5,000,000)")
    parser.add_argument("--repeat", type=int, metavar="N", help="rounds (5)")
    parser.add_argument("--peers", metavar="LIST",
                        help=f"some of {','.join(PEERS)}, or 'none'; Sluice is always measured (all that are there)")
    parser.add_argument("--quick", action="store_true",
                        help="200,000 records, 1 round; prints the page instead of writing it unless --output is given")
    parser.add_argument("--full", action="store_true",
                        help="all rounds for all; else what takes more than 15 s is run in 3 of them")
    parser.add_argument("--sluice", metavar="PATH", help="the command to measure (a release build, made when needed)")
    parser.add_argument("--day", default="2026-11-20", help="the UTC date of the day (2026-11-20)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives another day (1)")
    parser.add_argument("--work", default=str(ROOT / ".build-peers/work"), metavar="DIR",
                        help="a folder for files and stores, emptied first (.build-peers/work)")
    parser.add_argument("--keep", action="store_true", help="keep that folder")
    parser.add_argument("--output", metavar="FILE",
                        help="the page; the plot goes beside it (docs/benchmarks.md; printed with --quick or --peers)")
    options = parser.parse_args(words)
    options.count = options.count or (200_000 if options.quick else 5_000_000)
    options.repeat = options.repeat or (1 if options.quick else 5)
    if options.count < 10_000 or options.repeat < 1:
        parser.error("--count is 10,000 or more, --repeat 1 or more")
    options.chosen = [] if options.peers == "none" else options.peers.split(",") if options.peers else list(PEERS)
    unknown = set(options.chosen) - set(PEERS)
    if unknown:
        parser.error(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    if not options.output and not options.quick and not options.peers:
        options.output = str(ROOT / "docs/benchmarks.md")
    # What would be found out only in the end.
    if options.output and not os.access(os.path.dirname(os.path.abspath(options.output)), os.W_OK):
        parser.error(f"no page can be written to {options.output}")
    if not options.sluice or not os.access(options.sluice, os.X_OK):
        parser.error(f"--sluice {options.sluice or ''} is no command that can be run")
    return options


def peers_of(setup, chosen):
    """Sluice and the chosen peers that are on this machine."""
    from comparing.peers.clickhouse import ClickHouse
    from comparing.peers.duckdb import DuckDB
    from comparing.peers.postgresql import PostgreSQL
    from comparing.peers.sluice import Sluice
    from comparing.peers.sqlite import SQLite
    from comparing.peers.tigerbeetle import TigerBeetle
    known = dict(zip(PEERS, (DuckDB, ClickHouse, PostgreSQL, SQLite, TigerBeetle)))
    found = [Sluice(setup)]
    for name in PEERS:
        if name in chosen and known[name].is_there():
            found.append(known[name](setup))
        elif name in chosen:
            print(f"{known[name].name} is not on this machine", file=sys.stderr)
    return found


def compare(options, command):
    """Measures all, and writes or prints the page."""
    from comparing import machine, page, plot, rounds
    from comparing.setup import Setup
    setup = Setup(options)
    shutil.rmtree(setup.work, ignore_errors=True)
    peers = []
    try:
        rounds.say(f"== A day of {setup.count:,} records in {setup.work}")
        setup.make()
        peers = peers_of(setup, options.chosen)
        for peer in peers:
            peer.start()
        ingests = rounds.ingest(setup, peers)
        asked = rounds.ask(setup, peers)
        values = page.values(setup, peers, ingests, asked, machine.facts(setup.work), command)
        drawing = plot.draw(setup, ingests, asked)
    finally:
        for peer in peers:
            peer.stop()
        if not options.keep:
            shutil.rmtree(setup.work, ignore_errors=True)
    if options.output:
        page.write(options.output, values)
        pathlib.Path(options.output).with_name("benchmarks.svg").write_text(drawing, encoding="utf-8")
        rounds.say(f"\nwrote {options.output} and its plot")
    else:
        print("\n\n".join(values[name] for name in ("machine", "ingest", "sizes", "questions")))


def main():
    options = parse(sys.argv[1:])
    options.sluice = os.path.abspath(options.sluice)
    # PostgreSQL is stopped and files are removed however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        compare(options, " ".join(["tools/compare-peers", *shown(sys.argv[1:])]))
    except Failure as failure:
        sys.exit(f"compare-peers: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)


def shown(words):
    """The words without those that name places of this machine."""
    kept, skips = [], False
    for word in words:
        if skips:
            skips = False
        elif word in ("--sluice", "--work", "--output"):
            skips = True
        elif not word.startswith(("--sluice=", "--work=", "--output=")) and word != "--keep":
            kept.append(word)
    return kept


if __name__ == "__main__":
    main()
