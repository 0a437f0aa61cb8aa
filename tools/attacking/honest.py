"""Clients that do nothing wrong, and tell how they fare."""

import ctypes
import multiprocessing
import time

from stream_client import Connection, Refusal

from .batches import MOST_BATCHES, TIME_SPAN_MICROSECONDS, BatchFactory

BATCH_RECORDS = 256
WINDOW = 32
# Yesterday's, whenever this runs, and in one UTC date.
FIRST_SOURCE = 100


def base_time(days_ago):
    """A span of time that lies in one UTC date."""
    day = 86_400_000_000
    noon = (time.time_ns() // 1000 // day - days_ago) * day + day // 2
    return noon // TIME_SPAN_MICROSECONDS * TIME_SPAN_MICROSECONDS


class _Counters(ctypes.Structure):
    _fields_ = [("receipted", ctypes.c_uint64), ("slowest_microseconds", ctypes.c_uint64), ("losses", ctypes.c_uint64)]


class HonestClient:
    """A process that sends new records, so many a second at most, with a window of its own."""

    def __init__(self, port, number, records_per_second):
        self._counters = multiprocessing.Value(_Counters, lock=False)
        self._stop = multiprocessing.Event()
        self._process = multiprocessing.Process(
            target=_stream, args=(port, number, records_per_second, self._counters, self._stop), daemon=True)
        self._process.start()

    @property
    def receipted(self):
        """Records with a receipt."""
        return self._counters.receipted

    @property
    def losses(self):
        """Refusals and lost connections."""
        return self._counters.losses

    def take_slowest_milliseconds(self):
        """The longest wait for a receipt since the last call."""
        slowest, self._counters.slowest_microseconds = self._counters.slowest_microseconds, 0
        return slowest / 1000

    def stop(self):
        """Ends it."""
        self._stop.set()
        self._process.join(20)
        if self._process.is_alive():
            self._process.kill()


def _stream(port, number, records_per_second, counters, stop):
    source = FIRST_SOURCE + number
    supply = _frames(number, source)
    next(supply)
    while not stop.is_set():
        try:
            _converse(Connection(port, [source]), supply, records_per_second, counters, stop)
        except OSError:
            counters.losses += 1
            time.sleep(0.05)


def _frames(number, source):
    """Makes batches without end; each is asked for with the number that it is to have."""
    stream, frame = number, None
    while True:
        factory = BatchFactory(BATCH_RECORDS, stream, source, base_time(1))
        for batch in range(MOST_BATCHES):
            frame = factory.frame(batch, (yield frame))
        stream += 1000


def _converse(connection, supply, records_per_second, counters, stop):
    sent_at = []
    begun, sent = time.monotonic(), 0
    while not stop.is_set():
        due = (time.monotonic() - begun) * records_per_second - sent
        if due >= BATCH_RECORDS and len(sent_at) < WINDOW:
            sent_at.append(time.monotonic())
            connection.send_frame(supply.send(connection.next_number))
            sent += BATCH_RECORDS
            answers = connection.answers(0)
        else:
            answers = connection.answers(0.2 if len(sent_at) >= WINDOW else (BATCH_RECORDS - due) / records_per_second)
        now = time.monotonic()
        for answer in answers:
            waited = int((now - sent_at.pop(0)) * 1_000_000)
            counters.slowest_microseconds = max(counters.slowest_microseconds, waited)
            if isinstance(answer, Refusal):
                counters.losses += 1
            else:
                counters.receipted += answer.accepted
        # What could not be sent in time is not made up for: a gateway's customers do not wait.
        if due > 4 * WINDOW * BATCH_RECORDS:
            begun, sent = time.monotonic(), 0
    connection.finish()
