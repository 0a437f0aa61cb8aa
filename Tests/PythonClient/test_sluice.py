"""tools/sluice.py by itself: bytes, texts and records, and its session with a server that does as it is told.

Run by PythonClientTests; by hand: python3 -m unittest discover Tests/PythonClient
"""

import datetime
import decimal
import hashlib
import os
import pathlib
import random
import re
import socket
import struct
import sys
import threading
import unittest
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

import sluice  # noqa: E402
from sluice import Client, InvalidRecord, Record  # noqa: E402


def record(number, **fields):
    return Record(**{"id": f"INV-{number}", "time": 1_767_225_600_000_000, "amount": number, "currency": "VND", **fields})


def packed(*records, **codes):
    directory = sluice._Directory()
    directory.codes[sluice.SOURCE].update(codes)
    return directory.pack(records)


class Bytes(unittest.TestCase):
    def test_the_example_of_the_page(self):
        page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
        dumps = re.findall(r"```\n((?:[0-9a-f]{2}  .*\n)+)```", page[page.index("## An example in hexadecimal"):])
        hello, welcome, batch, receipt, goodbye, last = (
            bytes.fromhex("".join(line[4:] for line in dump.splitlines())) for dump in dumps)
        self.assertEqual(sluice.hello("gate", ["shop"]), hello)
        example = Record(id="INV-0001", time=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), amount=150_000,
                         currency="VND", source="shop", channel="qr", region=79, duration=420)
        self.assertEqual(sluice.batch(1, packed(example, shop=0x8000)), batch)
        self.assertEqual(sluice.goodbye(), goodbye)
        reader = sluice._FrameReader()
        for byte in welcome + receipt + last:
            reader.feed(bytes([byte]))
        kinds = [reader.next().kind for _ in range(3)]
        self.assertEqual(kinds, [sluice.WELCOME, sluice.RECEIPT, sluice.GOODBYE])

    def test_checksums_of_any_length(self):
        self.assertEqual(sluice.crc32c(b"123456789"), 0xE3069283)
        self.assertEqual(sluice.crc32c(b""), 0)
        chance = random.Random(1)
        for length in [*range(200), *chance.sample(range(200, 70_000), 20), 65_528, 65_536]:
            data = bytes(chance.getrandbits(8) for _ in range(min(length, 999))) * (length // 999 + 1)
            data = data[:length]
            self.assertEqual(sluice.crc32c(data), sluice._crc_by_byte(data, 0xFFFFFFFF) ^ 0xFFFFFFFF, length)

    def test_every_flipped_bit_of_a_frame_is_noticed(self):
        whole = sluice.frame(sluice.CODES, struct.pack("<II", 5, 6), number=1, count=2)
        for bit in range(8 * len(whole)):
            reader = sluice._FrameReader()
            reader.feed(bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(whole)))
            with self.assertRaises(sluice.WrongAnswer):
                reader.next()


class Values(unittest.TestCase):
    def test_ids(self):
        text = "0190163d-8694-739b-aea5-966c26f8ad90"
        for same in (text, text.upper(), uuid.UUID(text), uuid.UUID(text).bytes):
            self.assertEqual(record(1, id=same).id, uuid.UUID(text).bytes)
        self.assertEqual(record(1, id="A-1").id, b"A-1" + bytes(13))
        self.assertEqual(record(1, id="0123456789abcdef").id, b"0123456789abcdef")
        for long in ("0123456789abcdefg", "Ä", "0190163d-8694-739b-aea5-966c26f8ad9_", "0190163d-8694-739b-aea5-966c26f8ad 9",
                     "0190163d-8694-739b-aea5-966c26f-8ad9", "0190163d8694-739b-aea5-966c2-6f8-ad90"):
            self.assertEqual(record(1, id=long).id, hashlib.sha256(long.encode()).digest()[:16])
        for wrong in ("", b"", bytes(16), bytes(17), 5):
            self.assert_wrong("id", id=wrong)

    def test_times_and_amounts(self):
        zone = datetime.timezone(datetime.timedelta(hours=7))
        self.assertEqual(record(1, time=datetime.datetime(1970, 1, 1, 7, 0, 1, 5, tzinfo=zone)).time, 1_000_005)
        self.assert_wrong("time", time=datetime.datetime(2026, 1, 1))
        self.assert_wrong("time", time=-1)
        self.assert_wrong("time", time=1.5)
        for amount, currency, minor in (("250000", "VND", 250_000), ("12.5", "GBP", 1250), ("12.50", 826, 1250),
                                        ("1.000", "VND", 1), ("0.001", "KWD", 1), ("9223372036854775807", "VND", 2 ** 63 - 1)):
            self.assertEqual(record(1, amount=decimal.Decimal(amount), currency=currency).amount, minor)
        for amount in (decimal.Decimal("0.5"), decimal.Decimal("NaN"), decimal.Decimal("1E+99999"), decimal.Decimal(-1),
                       decimal.Decimal("1E-99999"), 2 ** 63, -1, 1.0, "1"):
            self.assert_wrong("amount", amount=amount)
        self.assert_wrong("currency", currency="EURO")

    def test_words_and_limits(self):
        self.assertEqual(record(1, outcome="business_decline_9").outcome, 0x29)
        self.assertEqual(record(1, channel="channel_99").channel, 99)
        self.assertEqual(record(1, kind=5, event="charged_back", step=15).kind_event, 0x75)
        self.assertEqual(record(1, duration=datetime.timedelta(days=40)).duration, 1 << 31 | 40 * 86_400)
        self.assertEqual(record(1, duration=datetime.timedelta(seconds=1.5)).duration, 1500)
        for field, value in (("kind", "gift"), ("event", 8), ("step", 16), ("outcome", "lost"), ("outcome", 0x60),
                             ("channel", 128), ("region", 65_536), ("payee", ""), ("service", "x" * 256), ("duration", -1)):
            self.assert_wrong(field, **{field: value})
        self.assert_wrong("payer", payer_account="9" * 65)
        self.assert_wrong("outcome", event="resolved", outcome="in_review")

    def test_errors_show_no_card_numbers(self):
        with self.assertRaises(InvalidRecord) as raised:
            record(1, outcome="4111 1111 1111 1111")
        self.assertNotIn("1111", str(raised.exception))

    def assert_wrong(self, field, **values):
        with self.assertRaises(InvalidRecord) as raised:
            record(1, **values)
        self.assertEqual(raised.exception.field, field)


class Texts(unittest.TestCase):
    def rows(self, text, columns=None, separator=","):
        """What rows are read from the bytes of CSV: line, and fields or a complaint."""
        reading, writing = os.pipe()
        os.write(writing, text if isinstance(text, bytes) else text.encode())
        os.close(writing)
        try:
            rows = sluice._CSVRows(sluice._Lines(reading, "a.csv", lambda: None), "a.csv", columns or {}, separator)
            found = []
            while (row := rows.next()) is not None:
                found.append((row[0], row[1].message if isinstance(row[1], InvalidRecord) else row[1]))
            return found
        finally:
            os.close(reading)

    def test_quotes_breaks_and_blanks(self):
        self.assertEqual(
            self.rows('\ufeffid,payee\r\n1,"a ""b"",\nc"\r\n\r\n 2 , d \n3,e'),
            [(2, {"id": "1", "payee": 'a "b",\nc'}), (5, {"id": " 2 ", "payee": "d"}), (6, {"id": "3", "payee": "e"})])

    def test_rows_that_are_wrong_hold_up_no_others(self):
        found = self.rows(b'id,payee\n1,"x\n2,y\n3\n4,\xff\n5,"a"b\n6,z\n')
        self.assertEqual([(line, row) for line, row in found if isinstance(row, dict)],
                         [(3, {"id": "2", "payee": "y"}), (7, {"id": "6", "payee": "z"})])
        self.assertEqual([line for line, row in found if isinstance(row, str)], [2, 4, 5, 6])

    def test_columns_of_other_names(self):
        self.assertEqual(self.rows("Ref;x;When\n1;2;3\n", {"id": "Ref", "time": "When"}, ";"), [(2, {"id": "1", "time": "3"})])
        for columns in ({}, {"id": "nothing"}):
            with self.assertRaises(sluice.UsageError):
                self.rows("Ref,amount\n", columns)

    def test_texts_are_what_their_values_are(self):
        read = sluice.RecordText(["shop"], datetime.timezone(datetime.timedelta(hours=7)))
        least = {"id": "A", "time": "2026-11-20", "amount": "5", "currency": "VND"}

        def bytes_of(**values):
            return packed(read.record({**least, **values}), shop=1)

        day = datetime.datetime(2026, 11, 20, tzinfo=datetime.timezone(datetime.timedelta(hours=7)))
        self.assertEqual(bytes_of(), packed(record(1, id="A", time=day, amount=5)))
        for time in ("2026-11-19T17:00:00.000000Z", "2026-11-20 00:00", "2026-11-20T00:00:00,0+07:00", "2026-11-19T17:00Z"):
            self.assertEqual(bytes_of(time=time), bytes_of())
        full = {
            "source": "shop", "kind": "request", "event": "refunded", "step": "2", "outcome": "timeout", "channel": "web",
            "payer": "token:0123456789ab", "payer_institution": "7", "payee": "#9", "payee_institution": "8", "service": "5411",
            "region": "79", "duration": "90s", "overdue": "yes", "test": "1"}
        self.assertEqual(
            bytes_of(**full),
            packed(record(
                1, id="A", time=day, amount=5, source=1, kind="request", event="refunded", step=2, outcome=0x31, channel=9,
                payer_token=0xAB8967452301, payer_institution=7, payee=9, payee_institution=8, service=5411, region=79,
                overdue=True, test=True))[:48] + struct.pack("<I", 1 << 31 | 90) + bytes_of(**full)[52:])
        for field, value in (("time", "2026-02-30"), ("time", "2026-11-20T24:00"), ("time", "now"), ("amount", "1e3"),
                             ("amount", "٣"), ("source", "other"), ("step", "16"), ("duration", "1.5"), ("test", "maybe"),
                             ("payee_institution", "65536"), ("time", "2026-11-20T00:00:60.000000Z")):
            with self.assertRaises(InvalidRecord) as raised:
                bytes_of(**{field: value})
            self.assertEqual(raised.exception.field, field)


class Server:
    """A server of one connection after another, which reads and answers as a test says."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self.address = self._listener.getsockname()
        self.peer = None

    def accept(self, **welcome):
        self.peer, _ = self._listener.accept()
        self.peer.settimeout(20)
        hello = self.expect(sluice.HELLO)
        self.welcome(hello[3], **welcome)

    def welcome(self, count, ledger=42, code=7, credit=4, idle=30_000):
        codes = struct.pack(f"<{count}H", *range(code, code + count))
        self.send(sluice.WELCOME, struct.pack("<IIIIIHHQ", 1024, credit, 65_536, idle, 2, 0, 0, ledger) + codes, count=count)

    def send(self, kind, payload=b"", **header):
        self.peer.sendall(sluice.frame(kind, payload, **header))

    def receipt(self, number, accepted=1, duplicates=0, conflicts=0, rejected=0, exceptions=b"", count=None):
        self.send(sluice.RECEIPT, struct.pack("<IIIIQQ32s", accepted, duplicates, conflicts, rejected, 1 if accepted else 0, 9,
                                              bytes(32)) + exceptions,
                  number=number, count=conflicts + rejected if count is None else count)

    def read(self):
        header = self._exactly(32)
        _, _, kind, _, length, _, number, count = struct.unpack("<4sBBHIIQI", header[:28])
        return kind, number, self._exactly(length), count

    def expect(self, kind):
        found = self.read()
        assert found[0] == kind, f"a frame of kind {found[0]} came, expected {kind}"
        return found

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.peer.recv(count - len(data))
            assert piece, "the client closed"
            data += piece
        return data

    def close(self):
        if self.peer is not None:
            self.peer.close()
        self._listener.close()


class Sessions(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.results, self.errors = [], []
        sluice._LOG.disabled = True

    def run_against(self, script, work, **options):
        """Runs `work` with a client, while `script` plays the server."""

        def play():
            try:
                script()
            except BaseException as error:
                self.errors.append(error)
                self.server.close()

        thread = threading.Thread(target=play)
        thread.start()
        try:
            client = Client(self.server.address, ["shop"], **{"on_result": self.results.append, "patience": 20, **options})
            try:
                work(client)
            finally:
                client.close()
        finally:
            thread.join()
            self.server.peer.close()
        self.assertEqual(self.errors, [])

    def test_what_has_no_receipt_comes_again_with_the_same_bytes(self):
        payloads = []

        def script():
            self.server.accept()
            payloads.extend(self.server.expect(sluice.BATCH)[2] for _ in range(3))
            self.server.receipt(1)
            self.server.peer.close()
            self.server.accept()
            for number in (1, 2):
                _, got, payload, _ = self.server.expect(sluice.BATCH)
                assert (got, payload) == (number, payloads[number])
                self.server.receipt(number, accepted=0, duplicates=1)
            self.server.expect(sluice.GOODBYE)
            self.server.send(sluice.GOODBYE)
            self.server.peer.close()

        def work(client):
            for number in (1, 2, 3):
                client.send(record(number), tag=number)
            client.finish()

        self.run_against(script, work)
        self.assertEqual([(result.tag, result.was_resent, result.accepted) for result in self.results],
                         [(1, False, 1), (2, True, 0), (3, True, 0)])

    def test_what_was_not_taken_is_raised_when_nobody_listens(self):
        def script():
            self.server.accept()
            self.server.expect(sluice.BATCH)
            self.server.receipt(1, accepted=0, rejected=1, exceptions=struct.pack("<HBB", 0, 6, 1))
            self.server.expect(sluice.BATCH)
            self.server.receipt(2)
            self.server.expect(sluice.GOODBYE)
            self.server.send(sluice.GOODBYE)
            self.server.peer.close()

        def work(client):
            client.send(record(1))
            with self.assertRaises(sluice.NotTaken) as raised:
                client.flush()
            self.assertEqual(str(raised.exception), "1 record not taken: record 1 of a send: time is more than a day ahead of "
                             "the server's clock")
            self.assertEqual(raised.exception.exceptions, [sluice.Exceptional(0, 6, "time")])
            client.send(record(2))
            client.finish()

        self.run_against(script, work, on_result=None)

    def test_what_was_not_taken_is_kept_when_the_server_goes(self):
        def script():
            self.server.accept()
            self.server.expect(sluice.BATCH)
            self.server.receipt(1, accepted=0, rejected=1, exceptions=struct.pack("<HBB", 0, 6, 1))
            self.server.expect(sluice.BATCH)
            self.server.close()
            self.server.peer.close()

        def work(client):
            client.send(record(1))
            client.send(record(2))
            with self.assertRaises(sluice.Lost):
                client.finish()
            self.assertEqual(client.not_taken, [sluice.Exceptional(0, 6, "time")])
            self.assertEqual(len(client.unanswered), 64)

        self.run_against(script, work, on_result=None, patience=0.3)

    def test_no_more_than_the_window_is_under_way(self):
        def script():
            self.server.accept(credit=2)
            for number in range(1, 7):
                self.server.expect(sluice.BATCH)
                if number >= 2:
                    self.server.peer.settimeout(0.05)
                    with self.assertRaises(socket.timeout):
                        self.server.peer.recv(1)
                    self.server.peer.settimeout(20)
                    self.server.receipt(number - 1)
            self.server.receipt(6)

        def work(client):
            for number in range(6):
                client.send(record(number))
            client.flush()

        self.run_against(script, work)
        self.assertEqual(len(self.results), 6)

    def test_a_refusal_that_may_be_tried_again_is_in_the_old_order(self):
        def script():
            self.server.accept()
            first, second = (self.server.expect(sluice.BATCH)[2] for _ in range(2))
            text = b"the disk is full"
            self.server.send(sluice.REFUSED, struct.pack("<HHI", 1, len(text), 0) + text, flags=1, number=1)
            self.server.expect(sluice.GOODBYE)
            self.server.receipt(2)
            self.server.send(sluice.GOODBYE)
            self.server.peer.close()
            self.server.accept()
            assert self.server.expect(sluice.BATCH)[2] == first
            self.server.receipt(1)

        def work(client):
            client.send(record(1), tag=1)
            client.send(record(2), tag=2)
            client.flush()

        self.run_against(script, work)
        self.assertEqual([result.tag for result in self.results], [2, 1])

    def test_a_server_that_stops_is_left_and_come_back_to(self):
        def script():
            self.server.accept()
            payload = self.server.expect(sluice.BATCH)[2]
            self.server.send(sluice.GOODBYE)
            self.server.expect(sluice.GOODBYE)
            self.server.peer.close()
            self.server.accept()
            assert self.server.expect(sluice.BATCH)[2] == payload
            self.server.receipt(1)

        def work(client):
            client.send(record(1))
            client.flush()

        self.run_against(script, work)

    def test_names_and_accounts_are_asked_for_once_and_again_after_a_loss(self):
        def script():
            self.server.accept()
            self.server.expect(sluice.NAMES)
            self.server.peer.close()
            self.server.accept()
            _, number, payload, count = self.server.expect(sluice.NAMES)
            assert count == 2 and payload.startswith(b"\x03\x02p1"), payload
            self.server.send(sluice.CODES, struct.pack("<II", 1 << 31, 40_000), number=number, count=2)
            _, number, payload, count = self.server.expect(sluice.DATED_ACCOUNTS)
            assert count == 1 and payload == struct.pack("<iB", 20_454, 4) + b"0901" + bytes(7), payload
            self.server.send(sluice.TOKENS, struct.pack("<Q", 0xA1B2C3D4E5F6), number=number, count=1)
            for number in (1, 2):
                payload = self.server.expect(sluice.BATCH)[2]
                assert b"0901" not in payload
                assert payload[32:44] == bytes.fromhex("f6e5d4c3b2a1") + struct.pack("<HI", 0, 1 << 31), payload.hex()
                assert payload[56:58] == struct.pack("<H", 40_000)
                self.server.receipt(number)

        def work(client):
            for number in (1, 2):
                client.send(record(number, payee="p1", region="r", payer_account="0901"))
            client.flush()

        self.run_against(script, work)

    def test_exceptions_name_the_record_and_its_field(self):
        def script():
            self.server.accept()
            self.server.expect(sluice.BATCH)
            self.server.receipt(1, accepted=1, conflicts=1, rejected=1, exceptions=bytes((0, 0, 1, 2, 2, 0, 6, 1)))

        def work(client):
            client.send([record(number) for number in range(3)])
            client.flush()

        self.run_against(script, work)
        self.assertEqual(self.results[0].exceptions, [(0, 1, "amount"), (2, 6, "time")])

    def test_a_client_with_nothing_to_say_pings(self):
        def script():
            self.server.accept(idle=150)
            for _ in range(3):
                self.server.expect(sluice.PING)
                self.server.send(sluice.PONG)
            has_pinged.set()
            while self.server.read()[0] == sluice.PING:
                self.server.send(sluice.PONG)
            self.server.receipt(1)

        def work(client):
            has_pinged.wait(20)
            client.send(record(1))
            client.flush()

        has_pinged = threading.Event()
        self.run_against(script, work)

    def test_another_ledger_is_not_sent_to(self):
        def script():
            self.server.accept()
            self.server.expect(sluice.BATCH)
            self.server.peer.close()
            self.server.accept(ledger=43)
            assert self.server.peer.recv(1) == b""

        def work(client):
            client.send(record(1))
            with self.assertRaises(sluice.OtherLedger):
                client.flush()
            self.assertEqual(client.unanswered, packed(record(1), shop=7)[:52] + b"\x07" + packed(record(1))[53:])

        self.run_against(script, work)

    def test_wrong_answers_end_the_client(self):
        answers = [
            lambda: self.server.receipt(2),
            lambda: self.server.receipt(1, accepted=5),
            lambda: self.server.receipt(1, accepted=0, rejected=1, exceptions=bytes((1, 0, 2, 0))),
            lambda: self.server.receipt(1, accepted=0, rejected=1, exceptions=bytes((0, 0, 1, 0))),
            lambda: self.server.receipt(1, accepted=0, rejected=1, exceptions=bytes((0, 0, 9, 0))),
            lambda: self.server.receipt(1, accepted=0, rejected=1, exceptions=bytes((0, 0, 2, 0)), count=0),
            lambda: self.server.send(sluice.CODES, bytes(8), number=9, count=2),
            lambda: self.server.welcome(1),
            lambda: self.server.send(sluice.BATCH, bytes(64), flags=0x4001, number=1, count=1),
            lambda: self.server.peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n...."),
        ]
        for answer in answers:
            def script(answer=answer):
                self.server.accept()
                self.server.expect(sluice.BATCH)
                answer()

            def work(client):
                client.send(record(1))
                with self.assertRaises(sluice.WrongAnswer):
                    client.flush()

            self.run_against(script, work)
        self.assertEqual(self.results, [])

    def test_errors_of_the_server_are_explained(self):
        def error(code):
            return struct.pack("<HBBHHQ", code, 3, 0, 4, 0, 32) + b"why?"

        def script():
            self.server.accept()
            self.server.send(sluice.ERROR, error(13))
            self.server.peer.close()
            self.server.accept()
            self.server.expect(sluice.BATCH)
            self.server.send(sluice.ERROR, error(4))

        def work(client):
            client.send(record(1))
            with self.assertRaises(sluice.ServerError) as raised:
                client.flush()
            self.assertEqual(raised.exception.code, 4)
            self.assertIn("checksum", str(raised.exception))
            self.assertIn("why?", str(raised.exception))

        self.run_against(script, work)

    def test_a_server_that_stays_away_is_given_up(self):
        def script():
            self.server.accept()
            self.server.close()

        def work(client):
            client.send(record(1))
            with self.assertRaises(sluice.Lost):
                client.flush()
            self.assertEqual(len(client.unanswered), 64)
            with self.assertRaises(sluice.Lost):
                client.send(record(2))

        self.run_against(script, work, patience=0.05)

    def test_no_server_is_a_clear_error(self):
        self.server.close()
        with self.assertRaises(sluice.CannotConnect):
            Client(self.server.address, ["shop"])

    def test_a_failing_callback_ends_the_client(self):
        def script():
            self.server.accept()
            self.server.expect(sluice.BATCH)
            self.server.receipt(1)

        def fail(_):
            raise OSError("no room for receipts")

        def work(client):
            client.send(record(1))
            with self.assertRaisesRegex(OSError, "no room"):
                client.flush()

        self.results = type("", (), {"append": staticmethod(fail)})
        self.run_against(script, work)

    def test_a_token_goes_before_the_hello(self):
        def script():
            self.server.peer, _ = self.server._listener.accept()
            self.server.peer.settimeout(20)
            self.assertEqual(self.server.expect(sluice.CREDENTIALS)[2], struct.pack("<II", 6, 0) + b"s3cret\0\0")
            self.server.expect(sluice.HELLO)
            self.server.send(sluice.ERROR, struct.pack("<HBBHHQ", 15, 18, 0, 0, 0, 0))

        def work(_):
            self.fail("there was a welcome")

        with self.assertRaises(sluice.ServerError) as raised:
            self.run_against(script, work, token="s3cret")
        self.assertEqual(sluice._exit_code(raised.exception), 77)


if __name__ == "__main__":
    unittest.main()
