"""A client that does one thing at a time, over `sluice.py`'s frames: for tools that kill and attack, whose every frame counts."""

import select
import socket
import struct

from sluice import (
    BATCH, ERROR, GOODBYE, HELLO, RECEIPT, REFUSED, WELCOME, WrongAnswer, _BATCH_FLAGS as BATCH_FLAGS, _FrameReader,
    _HEADER as HEADER, _RECORD as RECORD, crc32c, frame, goodbye, hello)

MAGIC = b"SLUI"


def record(identifier, time_microseconds, amount, source, currency=704):
    """An approved payment, initiated, as its 64 bytes."""
    return RECORD.pack(
        identifier, time_microseconds, amount, 0, 0, 0, 0, 0, 0xFFFFFFFF, source, 0, 0, currency, 0x11, 0x10, 0, 0)


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
        self._received = _FrameReader()
        self._sent = 0
        self._answered = 0
        self.is_closing = False
        self._socket.sendall(hello(name.decode(), [each if isinstance(each, int) else each.decode() for each in sources]))
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
        self._socket.sendall(goodbye())

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
            self._received.feed(piece)

    def _take(self):
        try:
            whole = self._received.next()
        except WrongAnswer as error:
            raise Violation(str(error)) from None
        return whole and (whole.kind, whole.number, whole.flags, whole.count, whole.payload)
