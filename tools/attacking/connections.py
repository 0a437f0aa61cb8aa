"""Attacks by connections: too many, too slow, silent, and lying."""

import collections
import os
import random
import socket
import struct
import time

from stream_client import BATCH, BATCH_FLAGS, HELLO, crc32c, frame

from .batches import BatchFactory
from .crowd import Crowd, error_text, hello, read_end
from .honest import base_time

SOURCE = 1


def idle(port, stop, told, count=10_000):
    """Connections that say hello and then nothing."""
    crowd = Crowd(port)
    while len(crowd.sockets) < count and not stop.is_set():
        before = len(crowd.sockets)
        crowd.open(min(100, count - before))
        for peer in crowd.sockets[before:]:
            crowd.send(peer, hello())
        if len(crowd.sockets) == before:
            break
    told["connections"] = len(crowd.sockets)
    stop.wait()
    crowd.close()


def idle_after_work(port, stop, told, count=2_000):
    """Connections that each send what fills a receive buffer, and then nothing."""
    factory = BatchFactory(1024, 7, SOURCE, base_time(2))
    crowd = Crowd(port)
    while len(crowd.sockets) < count and not stop.is_set():
        crowd.open(1)
        peer = crowd.sockets[-1]
        peer.settimeout(20)
        number = len(crowd.sockets)
        peer.sendall(hello())
        peer.recv(4096)
        # The same batch four times, and the larger part of a fifth.
        peer.sendall(b"".join(factory.frame(1, part + 1) for part in range(4)))
        peer.sendall(factory.frame(number, 5)[:-64])
        peer.setblocking(False)
        time.sleep(0.003)
    told["connections"] = len(crowd.sockets)
    stop.wait()
    crowd.close()


def slow(port, stop, told, count=1_000):
    """A third sends a byte at a time, a third half a frame, a third takes no receipts of batches that are faulty throughout."""
    chance = random.Random(1)
    crowd = Crowd(port)
    crowd.open(count // 3 * 2)
    factory = BatchFactory(16, 8, SOURCE, base_time(3))
    supplies = {}
    for index, peer in enumerate(crowd.sockets):
        crowd.send(peer, hello())
        whole = factory.frame(index, 1)
        if index % 2:
            supplies[peer] = collections.deque(whole)
        else:
            crowd.send(peer, whole[:chance.randint(1, len(whole) - 1)])
    mute = Crowd(port, receive_bytes=4096)
    mute.open(count // 3)
    faulty = frame(BATCH, bytes(64 * 1024), flags=BATCH_FLAGS, number=1, count=1024)
    checksum = crc32c(bytes(64 * 1024))
    numbers = {}
    for peer in mute.sockets:
        crowd.send(peer, hello())
        numbers[peer] = (1, memoryview(faulty))
    told["connections"] = len(crowd.sockets) + len(mute.sockets)
    while not stop.is_set():
        for peer in [*supplies]:
            if supplies[peer]:
                crowd.send(peer, bytes([supplies[peer].popleft()]))
        for peer in [*numbers]:
            number, rest = numbers[peer]
            sent = mute.send(peer, rest)
            told["mute bytes"] = told.get("mute bytes", 0) + max(0, sent)
            rest = rest[max(0, sent):]
            if len(rest) == 0 and number < 256:
                number += 1
                start = struct.pack("<4sBBHIIQI", b"SLUI", 1, BATCH, BATCH_FLAGS, 65536, checksum, number, 1024)
                rest = memoryview(start + struct.pack("<I", crc32c(start)) + bytes(65536))
            if sent < 0 or len(rest) == 0:
                del numbers[peer]
            else:
                numbers[peer] = (number, rest)
        time.sleep(0.01)
    crowd.close()
    mute.close()


def flood(port, stop, told):
    """Connects, and closes again, as fast as it can; some say hello, some are beyond what the daemon admits."""
    count = 0
    while not stop.is_set():
        peer = socket.socket()
        try:
            peer.settimeout(5)
            peer.connect(("127.0.0.1", port))
            if count % 2:
                peer.sendall(hello())
            if count % 3 == 0:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            told["failed"] = told.get("failed", 0) + 1
            time.sleep(0.01)
        finally:
            peer.close()
        count += 1
        told["connects"] = count


def beyond_the_limit(port, stop, told, held=13_000):
    """More connections than are admitted, all kept open as long as the daemon leaves them open."""
    crowd = Crowd(port)
    crowd.open(held)
    told["connections"] = len(crowd.sockets)
    refused = collections.Counter()
    for peer in crowd.sockets[-20:]:
        refused[str(error_text(read_end(peer, 2)))] += 1
    told["errors"] = refused.most_common(2)
    stop.wait()
    crowd.close()


def lying(port, stop, told, count=100):
    """Connections that break the protocol in every way that a frame allows, and come again when they are refused."""
    chance = random.Random(2)
    factory = BatchFactory(64, 9, SOURCE, base_time(4))
    errors = collections.Counter()
    texts = {}
    while not stop.is_set():
        crowd = Crowd(port)
        crowd.open(count)
        for index, peer in enumerate(crowd.sockets):
            crowd.send(peer, b"".join(_lie(chance, factory)))
        for peer in crowd.sockets:
            told_error = error_text(read_end(peer, 0.5))
            errors[told_error[0] if told_error else None] += 1
            if told_error:
                texts.setdefault(told_error[0], told_error[1])
        crowd.close()
        told["lies"] = sum(errors.values())
    told["errors"] = dict(errors)
    told["texts"] = texts


def _lie(chance, factory):
    """The frames of one conversation that is wrong somewhere."""
    good = factory.frame(chance.randrange(1 << 16), 1)
    match chance.randrange(12):
        case 0:
            return [os.urandom(chance.randint(1, 4096))]
        case 1:
            return [hello(), _resealed(good, 8, chance.choice([0, 63, 1 << 16, 1 << 31, 0xFFFFFFFF]))]
        case 2:
            return [hello(), _resealed(good, 24, chance.choice([0, 1, 1025, 1 << 31]))]
        case 3:
            return [hello(), _flipped(good, chance.randrange(32))]
        case 4:
            return [hello(), _flipped(good, chance.randrange(32, len(good)))]
        case 5:
            return [hello(), _resealed(good, 16, chance.choice([0, 2, 0xFFFFFFFF]))]
        case 6:
            return [hello(), *(factory.frame(number, number + 1) for number in range(300))]
        case 7:
            return [good]
        case 8:
            return [hello(), hello()]
        case 9:
            return [frame(HELLO, struct.pack("<H6x", 60_000) + b"x" * 100)]
        case 10:
            return [hello(), frame(chance.choice([2, 4, 5, 7, 9, 15, 16, 99]), bytes(64))]
        case _:
            return [hello(), frame(6, bytes([9, 200]) + b"y" * 30, number=1, count=1)]


def _resealed(whole, offset, value):
    changed = bytearray(whole)
    struct.pack_into("<I", changed, offset, value)
    struct.pack_into("<I", changed, 28, crc32c(bytes(changed[:28])))
    return bytes(changed)


def _flipped(whole, place):
    changed = bytearray(whole)
    changed[place] ^= 0x10
    return bytes(changed)
