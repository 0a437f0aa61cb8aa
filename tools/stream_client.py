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


class Refusal:
    """Why a batch was not taken; nothing of it is in the ledger."""

    def __init__(self, number, may_retry, payload):
        self.number = number
        self.may_retry = may_retry
        self.cause, length = struct.unpack_from("<HH", payload)
        self.text = payload[8:8 + length].decode(errors="replace")


class Ended(ConnectionError):
    """The server ended the conversation, and said why."""

    def __init__(self, payload):
        self.code, _, length = struct.unpack_from("<HBxH", payload)
        self.text = payload[16:16 + length].decode(errors="replace")
        super().__init__(f"error {self.code}: {self.text}")


class Connection:
    """One connection; batches are numbered and answered in order. Sources are names, or codes of the user's own."""

    def __init__(self, port, sources, timeout=30.0, name=b"kill-loop"):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Not select: its descriptors end at 1,023.
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)
        self._received = bytearray()
        self._sent = 0
        self._answered = 0
        self.is_closing = False
        payload = struct.pack("<H6x", len(name)) + name
        for source in sources:
            if isinstance(source, int):
                payload += struct.pack("<HBB", source, 0, 0)
            else:
                payload += struct.pack("<HBB", 0, 0, len(source)) + source
        self._socket.sendall(frame(HELLO, payload, count=len(sources)))
        answer = self.read_frame(timeout)
        if answer is None:
            raise TimeoutError("no welcome came")
        kind, _, _, count, payload = answer
        if kind == ERROR:
            raise Ended(payload)
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
        self.send_frame(
            frame(BATCH, b"".join(records), flags=BATCH_FLAGS, number=self.next_number, count=len(records)))

    @property
    def next_number(self):
        """The number of the next batch."""
        return self._sent + 1

    def send_frame(self, whole):
        """Sends a batch that is a frame already."""
        self._sent += 1
        self.send_raw(whole)

    def send_raw(self, whole):
        """Sends a frame that is no batch."""
        self._socket.sendall(whole)

    def answers(self, wait):
        """The receipts and refusals that have come, waiting up to `wait` seconds for the first."""
        found = []
        while (answer := self.read_frame(wait if not found else 0)) is not None:
            kind, number, flags, _, payload = answer
            if kind == GOODBYE:
                self.is_closing = True
                continue
            if kind == ERROR:
                raise Ended(payload)
            if kind not in (RECEIPT, REFUSED):
                raise Violation(f"frame {kind} instead of a receipt")
            self._answered += 1
            if number != self._answered:
                raise Violation(f"an answer to batch {number} where one to {self._answered} was due")
            found.append(
                Receipt(number, payload) if kind == RECEIPT else Refusal(number, bool(flags & 1), payload))
        return found

    def say_goodbye(self):
        """Sends nothing more; what is under way is still answered."""
        self._socket.sendall(frame(GOODBYE))

    def finish(self):
        """Says goodbye, and waits for the end."""
        self.say_goodbye()
        try:
            while True:
                if self._socket.recv(65536) == b"":
                    break
        finally:
            self._socket.close()

    def close(self):
        """Closes at once."""
        self._socket.close()

    def read_frame(self, wait):
        """Kind, number, flags, count and payload of the next frame; None when none came in time."""
        while True:
            whole = self._take()
            if whole is not None:
                return whole
            if not self._readable.poll(wait * 1000):
                return None
            piece = self._socket.recv(1 << 18)
            if not piece:
                raise ConnectionError("the server closed")
            self._received += piece

    def _take(self):
        if len(self._received) < 32:
            return None
        magic, version, kind, flags, length, checksum, number, count = HEADER.unpack_from(self._received)
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
        return kind, number, flags, count, payload
