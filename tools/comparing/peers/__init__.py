"""The stores that are compared, one a file, and what they have in common."""

import dataclasses
import subprocess
import time
import typing


@dataclasses.dataclass
class Case:
    """One way to take the day in."""

    key: str
    # For the plot.
    short: str
    label: str
    # What it does about duplicates: "exact", "within the file", "later" (some time after the insert) or "none".
    checks: str
    # Whether bytes a row are told.
    has_size: bool = True


@dataclasses.dataclass
class Sample:
    """One measured run of a case. `seconds` are those until the rows were durable."""

    seconds: float
    rows_kept: int
    bytes_on_disk: typing.Optional[int] = None
    parts: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Reply:
    """What a store answered to a question: cells (dimensions to measures), and milliseconds of each time it was asked."""

    cells: typing.Optional[dict]
    milliseconds: list


class Failure(Exception):
    """The comparison cannot go on, or must not be believed."""


class Peer:
    """A store. What it is and does is told by the attributes; the page is written from them."""

    name = ""
    # The case whose store answers the questions; without one it is not asked.
    asked = None
    cases: list = []

    def __init__(self, setup):
        self.setup = setup

    @staticmethod
    def is_there():
        """False when what it needs is not on this machine."""
        return True

    def version(self):
        raise NotImplementedError

    def start(self):
        """Makes what it needs before the first measurement."""

    def stop(self):
        """Ends what it started."""

    def measure(self, case):
        """A warm-up and one measured run of a case, as a Sample."""
        raise NotImplementedError

    def hold(self):
        """Makes ready to be asked: the day without resends and conflicts, and a year of cells."""

    def answer(self, questions):
        """Asks in the open store: Reply by the question's key."""
        return {}

    def command(self, question):
        """The arguments of a whole command that asks one question; None where there is none."""
        return None


def run(arguments, codes=(0,), output=subprocess.PIPE, text="", **options):
    """Runs a command with a text as its input to its end, and returns what it printed.

    Fails on an exit code that is not among `codes`.
    """
    done = subprocess.run(arguments, input=text, stdout=output, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode not in codes:
        raise Failure(f"{' '.join(map(str, arguments))}\nended with {done.returncode}:\n{done.stderr or done.stdout}")
    return done.stdout


# A question is asked again until it was asked as often as it should be, or so much time has passed since the warm-up.
# One whose warm-up takes longer is asked once only.
PATIENCE_SECONDS = 5


def timed(ask, times):
    """What a question answered, and the milliseconds of each time it was asked after a warm-up."""
    milliseconds, begun = [], time.monotonic()
    answer = ask()
    warm_up = time.monotonic() - begun
    if warm_up > PATIENCE_SECONDS:
        return answer, [warm_up * 1000]
    while len(milliseconds) < times and sum(milliseconds) < PATIENCE_SECONDS * 1000:
        begun = time.monotonic()
        answer = ask()
        milliseconds.append((time.monotonic() - begun) * 1000)
    return answer, milliseconds


def ask(question, times, rows_of):
    """Asks a question of an open store. `rows_of` gives rows for it."""
    rows, milliseconds = timed(rows_of, times)
    return Reply(cells_of_rows(question, rows), milliseconds)


def cells_of_rows(question, rows):
    """Cells from rows of dimensions and measures."""
    width = len(question.dimensions)
    return {tuple(int(value) for value in row[:width]): tuple(int(value or 0) for value in row[width:]) for row in rows}
