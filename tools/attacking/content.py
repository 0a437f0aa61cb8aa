"""Attacks by what is sent: names, identities, dates and days that were sent before."""

import functools
import random
import struct
import time

from stream_client import HEADER, MAGIC, RECORD, Connection, Refusal, crc32c, frame

from .batches import BatchFactory
from .honest import base_time

WINDOW = 200
ATTACKER = 50
DAY_MICROSECONDS = 86_400_000_000
KINDS_AND_EVENTS = [kind | event << 4 for kind in range(1, 6) for event in range(1, 8)]


class _Flow:
    """Keeps a window of batches under way and counts what became of them."""

    def __init__(self, port, sources, told):
        self.connection = Connection(port, sources, timeout=60)
        self._told = told
        for name in ("accepted", "duplicates", "conflicts", "rejected", "refused"):
            told.setdefault(name, 0)

    def send(self, whole):
        self.connection.send_frame(whole)
        self.take(0)
        while self.connection.outstanding >= WINDOW:
            self.take(1)

    def take(self, wait):
        for answer in self.connection.answers(wait):
            if isinstance(answer, Refusal):
                self._told["refused"] += 1
                self._told["refusal"] = answer.text
                continue
            for name in ("accepted", "duplicates", "conflicts", "rejected"):
                self._told[name] += getattr(answer, name)


def _record(identifier, moment, source, kind_and_event=0x11, step=0):
    return RECORD.pack(
        identifier, moment, 1, 0, 0, 0, 0, 0, 0xFFFFFFFF, source, 0, 0, 704, kind_and_event, 0x10, 0, step << 4)


def _send_records(flow, records, stop, per_batch=512):
    """Sends records from an iterator, whose checksums have to be computed; keeps all of them to send them faster again."""
    batch = []
    for record in records:
        if stop.is_set():
            return
        batch.append(record)
        if len(batch) == per_batch:
            flow.send(frame(3, b"".join(batch), flags=0x4001, number=flow.connection.next_number, count=per_batch))
            batch = []


def one_id(port, stop, told):
    """One id with every source, kind, event and step: all of them lie beside each other in an index by id."""
    sources = list(range(1000, 2000))
    flow = _Flow(port, sources, told)
    moment = base_time(5)

    def records():
        for number in range(1 << 30):
            for source in sources:
                for kind_and_event in KINDS_AND_EVENTS:
                    for step in range(16):
                        yield _record(b"one id %8d" % number, moment, source, kind_and_event, step)

    _send_records(flow, records(), stop)


def low_bits(port, stop, told):
    """Ids that agree in all bits but a few high ones, in order."""
    flow = _Flow(port, [ATTACKER], told)
    moment = base_time(5)
    _send_records(
        flow, (_record(struct.pack("<QQ", 1, number << 40), moment, ATTACKER) for number in range(1, 1 << 24)), stop)


def many_dates(port, stop, told):
    """Each record on another of the 20,000 UTC dates from 1970 to today."""
    flow = _Flow(port, [ATTACKER], told)
    dates = int(time.time()) // 86400
    chance = random.Random(3)

    def records():
        for number in range(1 << 30):
            yield _record(
                b"date" + struct.pack("<QI", number, 0), chance.randrange(dates) * DAY_MICROSECONDS + 5, ATTACKER)

    _send_records(flow, records(), stop)


def sums_by_the_million(port, stop, told):
    """Records whose dimensions differ, each a cell of its own in every rollup."""
    flow = _Flow(port, list(range(3000, 3500)), told)
    chance = random.Random(4)
    moment = base_time(6)

    def records():
        for number in range(1 << 30):
            yield RECORD.pack(
                b"cell" + struct.pack("<QI", number, 0), moment, 1, 0, 0, chance.randrange(1 << 15),
                chance.randrange(1 << 31), chance.randrange(1 << 31), 5, 3000 + chance.randrange(500),
                chance.randrange(1 << 15), chance.randrange(1 << 15), 704, 0x11, 0x10, chance.randrange(128), 0)

    _send_records(flow, records(), stop)


def names(port, stop, told, length=255):
    """New names without end, as many requests at a time as the welcome allows."""
    connection = Connection(port, [ATTACKER], timeout=60)
    told["names"] = 0
    number = request = answered = 0
    spaces = (3, 4)
    per_request = min(1024, 65536 // (length + 2))
    while not stop.is_set():
        payload = bytearray()
        for _ in range(per_request):
            number += 1
            text = b"%0*d" % (length, number)
            payload += bytes([spaces[number % 2], length]) + text
        request += 1
        connection.send_raw(frame(6, bytes(payload), number=request, count=per_request))
        while request - answered >= 16:
            kind, _, flags, count, body = connection.read_frame(60)
            answered += 1
            if kind == 7:
                told["names"] += count
            else:
                told["refusal"] = body[8:8 + struct.unpack_from("<H", body, 2)[0]].decode()
                told["refused"] = told.get("refused", 0) + 1


def accounts(port, stop, told, connections=20):
    """Account numbers without end, whose tokens each take a keyed hash."""
    peers = [Connection(port, [], timeout=60) for _ in range(connections)]
    payload = b"".join(bytes([62]) + b"%062d" % number for number in range(1024))
    request = 0
    answered = dict.fromkeys(peers, 0)
    told["tokens"] = 0
    while not stop.is_set():
        request += 1
        for peer in peers:
            peer.send_raw(_numbered(payload, request))
        for peer in peers:
            while request - answered[peer] >= 8:
                kind, _, _, count, _ = peer.read_frame(60)
                answered[peer] += 1
                told["tokens"] += count


@functools.cache
def _checksum(payload):
    return crc32c(payload)


def _numbered(payload, number):
    """A request for tokens whose payload was sent before."""
    start = HEADER.pack(MAGIC, 1, 8, 0, len(payload), _checksum(payload), number, 1024)
    return start + struct.pack("<I", crc32c(start)) + payload


def send_day(port, batches):
    """Sends the day that is replayed later: so many batches of 1,024 records."""
    told = {}
    flow = _Flow(port, [ATTACKER], told)
    factory = BatchFactory(1024, 77, ATTACKER, base_time(8))
    for batch in range(batches):
        flow.send(factory.frame(batch, flow.connection.next_number))
    while flow.connection.outstanding:
        flow.take(5)
    flow.connection.finish()
    return told["accepted"]


def replay_in_order(port, stop, told, batches):
    """A day that is there already, sent again in its order."""
    flow = _Flow(port, [ATTACKER], told)
    factory = BatchFactory(1024, 77, ATTACKER, base_time(8))
    while not stop.is_set():
        for batch in range(batches):
            flow.send(factory.frame(batch, flow.connection.next_number))
            if stop.is_set():
                break


def replay_shuffled(port, stop, told, batches, amount=1000):
    """A day that is there already, sent again so that each record of a batch comes from another place of the day.

    With another amount than the day's each record is a conflict.
    """
    flow = _Flow(port, [ATTACKER], told)
    factories = [
        BatchFactory(1024, 77, ATTACKER, base_time(8), transposed_from=start, amount=amount)
        for start in range(0, batches - 1023, 1024)
    ]
    chance = random.Random(6)
    while not stop.is_set():
        flow.send(chance.choice(factories).frame(chance.randrange(1024), flow.connection.next_number))
