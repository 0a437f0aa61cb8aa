"""A small client of the stream protocol, written from docs/protocol.md alone with the standard library."""

import select
import socket
import struct

MAGIC = b"SLUI"
HELLO, WELCOME, BATCH, RECEIPT, REFUSED, GOODBYE, ERROR = 1, 2, 3, 4, 5, 12, 13
BATCH_FLAGS = 0x4001
RECORD = struct.Struct("<16sqqIHHIIIHHHHBBBB")
HEADER = struct.Struct("<4sBBHIIQI")


def _table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def crc32c(data):
    """CRC-32C (Castagnoli) of bytes."""
    table, value = _TABLE, 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


def record(identifier, time_microseconds, amount, source, currency=704):
    """An approved payment, initiated, as its 64 bytes."""
    return RECORD.pack(
        identifier, time_microseconds, amount, 0, 0, 0, 0, 0, 0xFFFFFFFF, source, 0, 0, currency, 0x11, 0x10, 0, 0)


def frame(kind, payload=b"", flags=0, number=0, count=0):
    """A whole frame; the payload is padded to a multiple of 8."""
    payload += bytes(-len(payload) % 8)
    header = HEADER.pack(
        MAGIC, 1, kind, flags, len(payload), crc32c(payload) if payload else 0, number, count)
    return header + struct.pack("<I", crc32c(header)) + payload


class Violation(Exception):
    """The server did what the protocol does not allow."""


class Receipt:
    """What became of a batch."""

    def __init__(self, number, payload):
        self.number = number
        (self.accepted, self.duplicates, self.conflicts, self.rejected, self.first_sequence, self.chain_sequence) = (
            struct.unpack_from("<IIIIQQ", payload))


class Connection:
    """One connection; batches are numbered and answered in order."""

    def __init__(self, port, source_names, timeout=30.0):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self._sent = 0
        self._answered = 0
        payload = struct.pack("<H6x", 9) + b"kill-loop"
        for name in source_names:
            payload += struct.pack("<HBB", 0, 0, len(name)) + name
        self._socket.sendall(frame(HELLO, payload, count=len(source_names)))
        kind, _, count, payload = self._read(timeout)
        if kind != WELCOME:
            raise Violation(f"frame {kind} instead of a welcome")
        self.most_records, self.window, _, _, _, _, _, self.ledger = struct.unpack_from("<IIIIIHHQ", payload)
        self.sources = struct.unpack_from(f"<{count}H", payload, 32)

    @property
    def outstanding(self):
        """Batches without an answer."""
        return self._sent - self._answered

    def send(self, records):
        """Sends a batch; the caller keeps within the window."""
        self._sent += 1
        self._socket.sendall(
            frame(BATCH, b"".join(records), flags=BATCH_FLAGS, number=self._sent, count=len(records)))

    def receipts(self, wait):
        """The receipts that have come, waiting up to `wait` seconds for the first."""
        found = []
        while (answer := self._read(wait if not found else 0)) is not None:
            kind, number, _, payload = answer
            if kind == GOODBYE:
                continue
            if kind != RECEIPT:
                raise Violation(f"frame {kind} instead of a receipt: {payload[8:].decode(errors='replace')}")
            self._answered += 1
            if number != self._answered:
                raise Violation(f"receipt {number} where {self._answered} was due")
            found.append(Receipt(number, payload))
        return found

    def finish(self):
        """Says goodbye, and waits for the end."""
        self._socket.sendall(frame(GOODBYE))
        try:
            while True:
                if self._socket.recv(65536) == b"":
                    break
        finally:
            self._socket.close()

    def close(self):
        """Closes at once."""
        self._socket.close()

    def _read(self, wait):
        """Kind, number, count and payload of the next frame; None when none came in time."""
        while True:
            whole = self._take()
            if whole is not None:
                return whole
            if not select.select([self._socket], [], [], wait)[0]:
                return None
            piece = self._socket.recv(1 << 18)
            if not piece:
                raise ConnectionError("the server closed")
            self._received += piece

    def _take(self):
        if len(self._received) < 32:
            return None
        magic, version, kind, _, length, checksum, number, count = HEADER.unpack_from(self._received)
        if magic != MAGIC or version != 1:
            raise Violation("a frame of another protocol")
        if struct.unpack_from("<I", self._received, 28)[0] != crc32c(self._received[:28]):
            raise Violation("a header's checksum is wrong")
        if len(self._received) < 32 + length:
            return None
        payload = bytes(self._received[32:32 + length])
        del self._received[:32 + length]
        if payload and crc32c(payload) != checksum:
            raise Violation("a payload's checksum is wrong")
        return kind, number, count, payload
