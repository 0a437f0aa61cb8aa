"""What must be true after the last kill."""

import collections
import datetime
import json
import subprocess

from stream_client import Connection, Violation

from .daemon import make_ledger
from .sender import DAY_MICROSECONDS, amount, day, payment

BATCH_RECORDS = 250
WINDOW = 64


def prove(lives):
    """Sends everything again, verifies the ledger, and compares its statistics. Returns the number of records."""
    if lives.disk:
        lives.disk.make_room()
    daemon = lives.start()
    try:
        daemon.wait_until_ready()
        lives.settle(120)
        for sender in lives.senders:
            sender.must_end = True
            sender.join(60)
            if sender.violation:
                raise sender.violation
        if lives.loader:
            lives.loader.finish()
        created = sum(sender.created for sender in lives.senders)
        print(f"sending all {created:,} records of this script again", flush=True)
        for sender in lives.senders:
            _send_again(sender, lives.port)
        daemon.stop()
    except BaseException:
        daemon.kill()
        raise
    return _compare(lives, created)


def _send_again(sender, port):
    connection = Connection(port, [sender.name_of_source])
    sent = collections.deque()
    for start in range(1, sender.created + 1, BATCH_RECORDS):
        batch = range(start, min(start + BATCH_RECORDS, sender.created + 1))
        connection.send([payment(sender.client, number, connection.sources[0]) for number in batch])
        sent.append(batch)
        while len(sent) >= WINDOW:
            _expect_duplicates(connection, sent)
    while sent:
        _expect_duplicates(connection, sent)
    connection.finish()


def _expect_duplicates(connection, sent):
    for receipt in connection.answers(30):
        batch = sent.popleft()
        if receipt.duplicates != len(batch):
            missing = len(batch) - receipt.duplicates
            raise Violation(f"of {batch.start} to {batch.stop - 1}, receipted before, {missing} were missing")


def _compare(lives, created):
    executable, data = lives.options.executable, lives.data
    verified = json.loads(_run(executable, "verify", "--data", data, "--json"))
    for sender in lives.senders:
        _compare_with_recount(executable, data, sender)
    records = created + (_compare_with_a_peaceful_ledger(lives) if lives.loader and lives.loader.parts else 0)
    if verified["records"] != records:
        raise Violation(f"verify counted {verified['records']} records, there are {records}")
    print(f"verified: {records:,} records in {verified['blocks']:,} blocks, no fault")
    return records


def _compare_with_recount(executable, data, sender):
    count, total = collections.Counter(), collections.Counter()
    for number in range(1, sender.created + 1):
        moment = datetime.date(2024, 1, 1) + datetime.timedelta(
            microseconds=day(number) * DAY_MICROSECONDS + number * 1000)
        count[moment.isoformat()] += 1
        total[moment.isoformat()] += amount(number)
    rows = _daily(executable, data, "--by", "day", "--where", f"source={sender.name_of_source.decode()}")
    found = {row["day"]: (row["attempts"], row["settled"], int(row["amount"])) for row in rows}
    if found != {day: (count[day], count[day], total[day]) for day in count}:
        raise Violation(f"the statistics are not those of a recount: {found}")


def _compare_with_a_peaceful_ledger(lives):
    """The reference day's statistics are those of a ledger that was never killed; returns the records it took."""
    executable, peaceful = lives.options.executable, lives.folder + "/peaceful"
    make_ledger(executable, peaceful)
    counts = json.loads(
        _run(executable, "load", *lives.loader.all_parts, "--data", peaceful, "--json", codes=(0, 1)))
    question = ["--by", "day,kind,event,channel,region", "--from", "2026-11-01"]
    if _daily(executable, lives.data, *question) != _daily(executable, peaceful, *question):
        raise Violation("the reference day's statistics differ from those of a ledger that was never killed")
    return counts["accepted"]


def _daily(executable, data, *arguments):
    return json.loads(_run(executable, "daily", "--data", data, "--measures", "all", "--format", "json", *arguments))[
        "rows"]


def _run(executable, *arguments, codes=(0,)):
    done = subprocess.run([executable, *arguments], capture_output=True, text=True, timeout=600)
    if done.returncode not in codes:
        raise Violation(f"sluice {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout
