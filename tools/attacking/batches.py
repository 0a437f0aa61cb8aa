"""Batches of records at the rate of a socket, from Python: checksums are put together, not computed.

CRC-32C is linear: the checksum of a payload with some bits flipped is its checksum, exclusive-or'd with what those bits
contribute. All records of a batch differ from the template's in the same bits, so the contribution of each bit of the batch's
number is known beforehand.
"""

import struct

from stream_client import BATCH, BATCH_FLAGS, HEADER, MAGIC, RECORD, crc32c

RECORD_BYTES = 64
MOST_BATCHES = 1 << 16
# Bytes of a record that hold the two numbers which make it: in the id, and in the time's lowest 32 bits.
FIRST_NUMBER = (0, 18)
SECOND_NUMBER = (2, 16)
# Times lie in a span of 71 minutes, which begins at a multiple of 2^32 microseconds.
TIME_SPAN_MICROSECONDS = 1 << 32


def _raw_crc(data):
    """CRC-32C without its first and last inversion."""
    return crc32c(data) ^ crc32c(bytes(len(data)))


def header(count, payload_bytes, checksum, number):
    """The header of a batch whose payload's checksum is known."""
    start = HEADER.pack(MAGIC, 1, BATCH, BATCH_FLAGS, payload_bytes, checksum, number, count)
    return start + struct.pack("<I", crc32c(start))


def record_of(first, second, stream, source, base_time, amount=1000):
    """The record of two numbers of 16 bits in a stream."""
    identifier = struct.pack("<HHH2x8s", first, second, stream, b"hostile.")
    return RECORD.pack(
        identifier, base_time + (first << 16 | second), amount, 0, 0, 0, 0, 0, 120, source, 0, 0, 704, 0x11, 0x10, 1, 0)


class BatchFactory:
    """Batches of one size: batch n has the records (n, 0), (n, 1), ...; transposed, the records (0, n), (1, n), ...

    A transposed batch has a record of each of many batches: a day that was sent in order, sent again shuffled.
    """

    def __init__(self, count, stream, source, base_time, transposed_from=None, amount=1000):
        self.count = count
        self._payload_bytes = count * RECORD_BYTES
        if transposed_from is None:
            records = [record_of(0, place, stream, source, base_time, amount) for place in range(count)]
            self._places = FIRST_NUMBER
        else:
            records = [
                record_of(transposed_from + place, 0, stream, source, base_time, amount) for place in range(count)]
            self._places = SECOND_NUMBER
        self._payload = bytearray(b"".join(records))
        self._checksum = crc32c(self._payload)
        self._tables = [self._table(byte) for byte in range(2)]

    def _table(self, byte):
        bits = []
        for bit in range(8):
            pattern = bytearray(RECORD_BYTES)
            for place in self._places:
                pattern[place + byte] = 1 << bit
            bits.append(_raw_crc(bytes(pattern) * self.count))
        table = []
        for value in range(256):
            checksum = 0
            for bit in range(8):
                if value >> bit & 1:
                    checksum ^= bits[bit]
            table.append(checksum)
        return table

    def frame(self, batch, number):
        """Batch `batch`, 0 to 65,535, as the connection's batch `number`."""
        checksum = self._checksum
        for byte in range(2):
            value = batch >> 8 * byte & 0xFF
            checksum ^= self._tables[byte][value]
            column = bytes([value]) * self.count
            for place in self._places:
                self._payload[place + byte::RECORD_BYTES] = column
        return header(self.count, self._payload_bytes, checksum, number) + self._payload
