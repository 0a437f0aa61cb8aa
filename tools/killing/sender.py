"""A client that knows every record that it sent and every receipt that it got, and comes back after each crash."""

import collections
import random
import threading
import time

from stream_client import Connection, Ended, Refusal, Violation, record

DAY_MICROSECONDS = 86_400_000_000
FIRST_DAY_MICROSECONDS = 1_704_067_200_000_000
DAYS = 20
MOST_OUTSTANDING = 48
DISK_FULL = 1
CLOSING = 3
TRANSIENT_ERRORS = (12, 13, 14)


def payment(client, number, source):
    """Record `number`, 1 or more, of a client, always the same."""
    moment = FIRST_DAY_MICROSECONDS + day(number) * DAY_MICROSECONDS + number * 1000
    return record(b"k%d-%d" % (client, number), moment, amount(number), source)


def day(number):
    """Which day after the first the record lies on, without its own milliseconds."""
    return number % DAYS


def amount(number):
    """The record's amount."""
    return number % 1_000_000


class Sender(threading.Thread):
    """Sends in bursts, with pauses; keeps every batch until its receipt; when the connection is lost it makes another one,
    proves that what was receipted on the last one is there, and sends again what was not."""

    def __init__(self, client, port, seed):
        super().__init__(daemon=True)
        self.client = client
        self.name_of_source = b"kill-loop-%d" % client
        self.port = port
        self.chance = random.Random(seed)
        self.source = None
        self.created = 0
        self.receipted = 0
        self.checked = 0
        self.refused = 0
        self.connections = 0
        self.violation = None
        self.outstanding = 0
        self.is_calm = False
        self.must_end = False
        # Batches without a receipt, in the order in which they were made.
        self.pending = {}
        # Batches that were receipted on this connection, or on the last one and not yet checked.
        self.fresh = []
        # Batches of the last connection that are not yet proven to be there.
        self.unchecked = 0
        # Of this connection, each with whether it was receipted before: what is under way, and what comes next.
        self.sent = collections.deque()
        self.unsent = collections.deque()

    @property
    def pending_records(self):
        return sum(map(len, list(self.pending)))

    def run(self):
        try:
            while not self.must_end:
                try:
                    self._converse()
                except Ended as end:
                    if end.code not in TRANSIENT_ERRORS:
                        raise Violation(f"an honest client was refused: {end}") from end
                    self._pause(0.02, 0.1)
                except OSError:
                    self._pause(0.005, 0.06)
        except Violation as violation:
            self.violation = violation
        except Exception as error:  # A fault of this script must not look like silence.
            self.violation = Violation(f"the client failed: {error!r}")
            raise

    def _pause(self, least, most):
        time.sleep(self.chance.uniform(least, most))

    # A connection.

    def _converse(self):
        connection = Connection(self.port, [self.name_of_source], timeout=20)
        try:
            self._begin(connection)
            while not self.must_end and not self.connection.is_closing:
                if self.is_calm and not self.unsent:
                    self._take(0.02)
                else:
                    self._burst()
            connection.say_goodbye()
            while True:
                self._take(20)
        finally:
            self._take_last()
            connection.close()
            self.outstanding = 0

    def _begin(self, connection):
        self.connection = connection
        self.sent = collections.deque()
        self.unsent = collections.deque([(batch, True) for batch in self.fresh])
        self.unsent.extend((batch, False) for batch in self.pending)
        self.unchecked = len(self.fresh)
        self.fresh = []
        self.connections += 1
        source = connection.sources[0]
        if self.source not in (None, source):
            raise Violation(f"the source's code was {self.source} and is {source}")
        self.source = source

    def _burst(self):
        for _ in range(self.chance.randint(1, 12)):
            while len(self.sent) >= min(MOST_OUTSTANDING, self.connection.window):
                self._take(0.05)
                if self.must_end or self.connection.is_closing:
                    return
            batch, was_receipted = self.unsent.popleft() if self.unsent else (self._make(), False)
            # Entered first: of a batch that goes out in part nobody may think that it was never sent.
            self.sent.append((batch, was_receipted))
            self.outstanding = len(self.sent)
            self.connection.send([payment(self.client, number, self.source) for number in batch])
            self._take(0)
            if self.is_calm and not self.unsent:
                return
        self._take(self.chance.uniform(0, 0.12))

    def _make(self):
        count = self.chance.choice([1, 1, self.chance.randint(2, 40), self.chance.randint(40, 200)])
        batch = range(self.created + 1, self.created + count + 1)
        self.created += count
        self.pending[batch] = None
        return batch

    # Answers.

    def _take(self, wait):
        for answer in self.connection.answers(wait):
            batch, was_receipted = self.sent.popleft()
            self.outstanding = len(self.sent)
            if isinstance(answer, Refusal):
                self._note_refusal(answer, batch, was_receipted)
            else:
                self._note_receipt(answer, batch, was_receipted)

    def _note_receipt(self, receipt, batch, was_receipted):
        if receipt.conflicts or receipt.rejected or receipt.accepted + receipt.duplicates != len(batch):
            raise Violation(f"a receipt does not fit the batch of {batch.start} to {batch.stop - 1}")
        if was_receipted:
            if receipt.accepted:
                raise Violation(
                    f"of {batch.start} to {batch.stop - 1}, receipted before, {receipt.accepted} were missing")
            self.checked += len(batch)
            self.unchecked -= 1
            return
        del self.pending[batch]
        self.receipted += len(batch)
        self.fresh.append(batch)

    def _note_refusal(self, refusal, batch, was_receipted):
        if refusal.cause not in (DISK_FULL, CLOSING) or not refusal.may_retry or not refusal.text:
            raise Violation(f"a batch was refused with cause {refusal.cause}: {refusal.text}")
        self.refused += refusal.cause == DISK_FULL
        self.unsent.append((batch, was_receipted))
        if len(self.sent) == 0:
            self._pause(0.01, 0.05)

    def _take_last(self):
        """Reads the receipts that had left before the connection broke; keeps for the next one what is not checked yet."""
        try:
            for _ in range(4):
                self._take(0.05 if self.sent else 0)
        except OSError:
            pass
        unchecked = [batch for batch, was_receipted in [*self.sent, *self.unsent] if was_receipted]
        self.fresh = unchecked + self.fresh
        self.sent = collections.deque()
