"""Measures in rounds, so that a machine whose speed drifts is the same to all, and tells median and spread."""

import dataclasses
import statistics
import subprocess
import sys
import typing

from comparing.peers import PATIENCE_SECONDS, Failure, timed
from comparing.questions import QUESTIONS, difference, largest_error


# A case that takes longer is run in so many rounds only, unless all is asked for.
LONG_SECONDS, LONG_ROUNDS = 15, 3
# Sluice's estimates must be as near as this: five times the standard error that it tells.
LARGEST_ERROR = 0.02


class Spread:
    """Values of one thing that was measured several times."""

    def __init__(self, values):
        self.values = list(values)
        self.median = statistics.median(self.values)
        self.least, self.most = min(self.values), max(self.values)


@dataclasses.dataclass
class Ingest:
    """The samples of a case."""

    peer: object
    case: object
    samples: list

    def rates(self, count):
        """Records a second of each sample."""
        return Spread(count / sample.seconds for sample in self.samples)

    @property
    def bytes_a_row(self):
        """Of the last sample; None where it is not told."""
        last = self.samples[-1]
        return last.bytes_on_disk / last.rows_kept if self.case.has_size and last.bytes_on_disk else None


@dataclasses.dataclass
class Asked:
    """What a question took, in the open store and as a whole command; None where that is not there."""

    inside: object
    whole: object
    # The largest of an answer's estimates; None where it has none.
    error: typing.Optional[float] = None


def say(text):
    """Progress, beside the results."""
    print(text, file=sys.stderr, flush=True)


def ingest(setup, peers):
    """All cases of all peers in each round; those that take long in fewer."""
    results = [Ingest(peer, case, []) for peer in peers for case in peer.cases]
    for number in range(setup.repeat):
        say(f"\n== Ingest, round {number + 1} of {setup.repeat}")
        for result in results:
            if not setup.full and number >= LONG_ROUNDS and result.samples[0].seconds > LONG_SECONDS:
                continue
            sample = result.peer.measure(result.case)
            result.samples.append(sample)
            say(f"{result.case.key:24} {setup.count / sample.seconds / 1e6:6.2f} million records a second")
    return results


def ask(setup, peers):
    """All questions of all peers that answer any: Asked by peer and question. Answers that differ from ours are fatal."""
    ours, asked = {}, {}
    say("\n== Questions")
    for peer in peers:
        if not peer.asked:
            continue
        peer.hold()
        replies = peer.answer(QUESTIONS)
        for question in QUESTIONS:
            reply = replies.get(question.key)
            if not reply:
                continue
            error = None
            if question.is_estimate:
                error = _error(peer, question, setup.payers, reply.cells, is_ours=peer is peers[0])
            elif question.asks_payers:
                _compare(peer, question, setup.payers, reply.cells, "the records")
            elif peer is peers[0]:
                ours[question.key] = reply.cells
            elif question.key in ours:
                _compare(peer, question, ours[question.key], reply.cells, "Sluice")
            inside = Spread(reply.milliseconds) if reply.milliseconds else None
            is_long = inside and inside.least > PATIENCE_SECONDS * 1000
            whole = None if is_long else _whole_commands(peer.command(question), setup.times)
            asked[peer.name, question.key] = Asked(inside, whole, error)
            say(f"{peer.name:12} {question.title:40} " + ", ".join(
                f"{value.median:,.0f} ms {place}" for value, place in ((inside, "inside"), (whole, "whole command"))
                if value) + (f", off by {error:.2%} at most" if error is not None else ""))
    return asked


def _compare(peer, question, expected, found, whose):
    told = difference(expected, found)
    if told:
        raise Failure(f"{peer.name} differs from {whose} in '{question.title}': {told}")


def _error(peer, question, exact, estimates, is_ours):
    error = largest_error(exact, estimates)
    if is_ours and error > LARGEST_ERROR:
        raise Failure(f"{peer.name} is off by {error:.2%} in '{question.title}'")
    return error


def _whole_commands(arguments, times):
    """Milliseconds from the start of a command to its end, after one that warms up."""
    if not arguments:
        return None

    def ask():
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            raise Failure(f"{arguments} ended with {done.returncode}: {done.stderr.decode()}")

    return Spread(timed(ask, times)[1])
