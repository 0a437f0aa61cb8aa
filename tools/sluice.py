#!/usr/bin/env python3
"""Streams transactions into a Sluice daemon: a client of its stream protocol in one file, for Python 3.9 or later alone.

As a library, with this file copied beside your program:

    from datetime import datetime, timezone
    from decimal import Decimal
    from sluice import Client, Record

    with Client("127.0.0.1:7501", sources=["shop"]) as client:
        client.send(Record(id="A-1001", time=datetime.now(timezone.utc), amount=Decimal("250000"), currency="VND",
                           payer_account="0901234567", payee="Phở Thìn", region="Hà Nội", channel="qr"))

As a command:

    python3 sluice.py send --to 127.0.0.1:7501 --source shop payments.csv

`send` takes a record, or any number of them, and returns when they are on their way; it waits while as many batches as the
daemon allows have no receipt. When the connection breaks, the client connects again and sends what has no receipt once more,
the same 64 bytes a record, which makes it exactly once. Leaving the `with` block waits for every receipt, and raises `NotTaken`
when a record was rejected or in conflict; with `on_result` the program looks after such records itself.

The protocol is described in docs/protocol.md, from which alone this was written.
"""

import argparse
import array
import collections
import csv
import datetime
import decimal
import difflib
import functools
import hashlib
import io
import json
import logging
import os
import random
import re
import selectors
import signal
import socket
import ssl
import struct
import sys
import threading
import time
import uuid

__all__ = ["Client", "Record", "InvalidRecord", "Result", "Exceptional", "ClientError", "CannotConnect", "Lost", "Refused",
           "ServerError", "WrongAnswer", "OtherLedger", "RequestFailed", "NotTaken", "Closed"]


# ---- CRC-32C -------------------------------------------------------------------------------------------------------

# Python has no CRC-32C, and one step for each byte of a batch takes 10 ms. But it has long integers. Read as one, bytes are
# a polynomial over GF(2) whose lowest bit is the highest power, and what counts is its remainder by the CRC's polynomial P.
# P divides x^5685 + x^1362 + x^426 + 1, so x^5685 may be replaced by three far lower powers: a few thousand bits at a time are
# folded into those behind them with three shifts. It divides the square of that as well, which is the same with every power
# doubled, and so on: bits are folded by the hundred thousand first, then by ever fewer, with a second multiple of P below
# those sizes, until 32 bytes are left to be taken one by one. A batch takes 0.2 ms then.
_FOLDS = ((5685, (1362, 426, 0)), (266, (143, 121, 88, 71, 0)))
_FOLDED_FROM_BYTES = 64


def _byte_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_BYTE_TABLE = _byte_table()


def crc32c(data):
    """The CRC-32C (Castagnoli) of bytes."""
    if len(data) < _FOLDED_FROM_BYTES:
        return _crc_by_byte(data, 0xFFFFFFFF) ^ 0xFFFFFFFF
    bits = 8 * len(data)
    value = int.from_bytes(data, "little") ^ 0xFFFFFFFF
    for highest, lower in _FOLDS:
        scale = 1
        while 2 * highest * scale < bits:
            scale *= 2
        while scale:
            power = highest * scale
            # No further: a replaced power must not come to lie among those that are still to be replaced.
            furthest = power - lower[0] * scale
            while True:
                step = min(bits - power, furthest)
                if 8 * step < bits:
                    break
                folded = value & ((1 << step) - 1)
                value >>= step
                for exponent in lower:
                    value ^= folded << (power - exponent * scale - step)
                bits -= step
            scale //= 2
    padding = -bits % 8
    return _crc_by_byte((value << padding).to_bytes((bits + padding) // 8, "little"), 0) ^ 0xFFFFFFFF


def _crc_by_byte(data, value):
    table = _BYTE_TABLE
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return value


# ---- The words of a record -----------------------------------------------------------------------------------------

KINDS = {"payment": 1, "transfer": 2, "withdrawal": 3, "fee": 4, "request": 5}
EVENTS = {"initiated": 1, "authorised": 2, "captured": 3, "resolved": 4, "refunded": 5, "reversed": 6, "charged_back": 7}
OUTCOME_CLASSES = {"approved": 1, "business_decline": 2, "technical_decline": 3, "pending": 4, "abandoned": 5}
OUTCOMES = {
    "approved": 0x10, "partially_approved": 0x11,
    "declined": 0x20, "insufficient_funds": 0x21, "limit_exceeded": 0x22, "wrong_credentials": 0x23,
    "invalid_account": 0x24, "expired_card": 0x25, "suspected_fraud": 0x26, "not_permitted": 0x27, "rejected": 0x28,
    "failed": 0x30, "timeout": 0x31, "institution_unavailable": 0x32, "network_error": 0x33, "format_error": 0x34,
    "duplicate_reference": 0x35,
    "pending": 0x40, "received": 0x41, "in_review": 0x42,
    "abandoned": 0x50, "cancelled": 0x51, "expired": 0x52, "withdrawn": 0x53,
}
CHANNELS = {
    name: code for code, name in enumerate((
        "unknown", "card", "qr", "account", "wallet", "portal", "counter", "atm", "point_of_sale", "web", "mobile", "post",
        "telephone", "agent"))
}
FIELDS = ("id", "time", "amount", "payer", "payer_institution", "payee", "service", "duration", "source",
          "payee_institution", "region", "currency", "kind", "event", "outcome", "channel", "flags", "step")
REASONS = {
    1: "differs from the record of the same identity that is in the ledger",
    2: "is missing",
    3: "is out of range",
    4: "is not a known code",
    5: "has bits set that must be 0",
    6: "is more than a day ahead of the server's clock",
    7: "is not one of the client's sources",
    8: "contradicts another field",
}

# ISO 4217: alphabetic and numeric codes by the digits of the minor unit.
_CURRENCIES_BY_DIGITS = {
    0: """BIF108 CLP152 KMF174 DJF262 GNF324 ISK352 JPY392 KRW410 VUV548 PYG600 RWF646 VND704 UGX800 UYI940 XAF950 XOF952 XPF953
          XBA955 XBB956 XBC957 XBD958 XAU959 XDR960 XAG961 XPT962 XTS963 XPD964 XUA965 XSU994 XXX999""",
    2: """ALL008 DZD012 ARS032 AUD036 BSD044 BDT050 AMD051 BBD052 BMD060 BTN064 BOB068 BWP072 BZD084 SBD090 BND096 MMK104 KHR116
          CAD124 CVE132 KYD136 LKR144 CNY156 COP170 CRC188 CUP192 CZK203 DKK208 DOP214 SVC222 ETB230 ERN232 FKP238 FJD242 GMD270
          GIP292 GTQ320 GYD328 HTG332 HNL340 HKD344 HUF348 INR356 IDR360 IRR364 ILS376 JMD388 XAD396 KZT398 KES404 KPW408 KGS417
          LAK418 LBP422 LSL426 LRD430 MOP446 MWK454 MYR458 MVR462 MUR480 MXN484 MNT496 MDL498 MAD504 NAD516 NPR524 XCG532 AWG533
          NZD554 NIO558 NGN566 NOK578 PKR586 PAB590 PGK598 PEN604 PHP608 QAR634 RUB643 SHP654 SAR682 SCR690 SGD702 SOS706 ZAR710
          SSP728 SZL748 SEK752 CHF756 SYP760 THB764 TOP776 TTD780 AED784 MKD807 EGP818 GBP826 TZS834 USD840 UYU858 UZS860 WST882
          YER886 TWD901 ZWG924 SLE925 VED926 VES928 MRU929 STN930 BYN933 TMT934 GHS936 SDG938 RSD941 MZN943 AZN944 RON946 CHE947
          CHW948 TRY949 XCD951 ZMW967 SRD968 MGA969 COU970 AFN971 TJS972 AOA973 CDF976 BAM977 EUR978 MXV979 UAH980 GEL981 BOV984
          PLN985 BRL986 USN997""",
    3: "BHD048 IQD368 JOD400 KWD414 LYD434 OMR512 TND788",
    4: "UYW927 CLF990",
}
CURRENCIES = {}
MINOR_UNIT_DIGITS = {}
for _digits, _codes in _CURRENCIES_BY_DIGITS.items():
    for _code in _codes.split():
        CURRENCIES[_code[:3]] = int(_code[3:])
        MINOR_UNIT_DIGITS[int(_code[3:])] = _digits

_LARGEST_INT64 = (1 << 63) - 1
_LARGEST_16, _LARGEST_32 = (1 << 16) - 1, (1 << 32) - 1
_DURATION_UNKNOWN = 0xFFFFFFFF
_SECONDS_BIT = 1 << 31


class InvalidRecord(ValueError):
    """A value that no record may have; `field` names where it was."""

    def __init__(self, field, message):
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def _shown(value):
    """A value as an error may show it: at most 40 characters, and no long digits, which may be a card's."""
    text = str(value)
    text = text if len(text) <= 40 else text[:40] + "..."
    return '"' + re.sub(r"\d(?:[ -]?\d){11,}", lambda digits: "*" * len(digits.group()), text) + '"'


@functools.lru_cache(maxsize=4096)
def _outcome_code(value):
    if isinstance(value, int):
        if 0x10 <= value < 0x60:
            return value
    elif value in OUTCOMES:
        return OUTCOMES[value]
    else:
        name, _, number = str(value).rpartition("_")
        if name in OUTCOME_CLASSES and number.isdecimal() and int(number) < 16:
            return OUTCOME_CLASSES[name] << 4 | int(number)
    raise InvalidRecord("outcome", f"{_shown(value)} is none: {', '.join(OUTCOMES)}, or a class and a number")


@functools.lru_cache(maxsize=4096)
def _channel_code(value):
    if isinstance(value, int):
        if 0 <= value < 128:
            return value
    elif value in CHANNELS:
        return CHANNELS[value]
    elif re.fullmatch(r"channel_\d{1,3}", str(value)) and int(value[8:]) < 128:
        return int(value[8:])
    raise InvalidRecord("channel", f"{_shown(value)} is none: {', '.join(CHANNELS)}, or channel_0 to channel_127")


@functools.lru_cache(maxsize=1024)
def _currency_code(value):
    if isinstance(value, str):
        value = CURRENCIES.get(value) or (int(value) if len(value) == 3 and value.isdecimal() else value)
    if value in MINOR_UNIT_DIGITS:
        return value
    raise InvalidRecord("currency", f"{_shown(value)} is no code of ISO 4217, such as VND or 704")


@functools.lru_cache(maxsize=1024)
def _vocabulary_code(field, value):
    words = KINDS if field == "kind" else EVENTS
    if value in words:
        return words[value]
    if isinstance(value, int) and value in words.values():
        return value
    raise InvalidRecord(field, f"{_shown(value)} is none: {', '.join(words)}")


def _uuid_bytes(text):
    """The 16 bytes of 8-4-4-4-12 hexadecimal digits; None when a text of 36 characters is something else."""
    if text[8] == text[13] == text[18] == text[23] == "-":
        try:
            # A blank, which fromhex passes over, or a further hyphen leaves too few.
            binary = bytes.fromhex(text.replace("-", ""))
        except ValueError:
            return None
        return binary if len(binary) == 16 else None
    return None


def _id_bytes(value):
    """The 16 bytes of a source's reference."""
    if isinstance(value, uuid.UUID):
        value = value.bytes
    elif isinstance(value, str):
        if len(value) == 36 and (binary := _uuid_bytes(value)) is not None:
            value = binary
        else:
            plain = value.isascii() and len(value) <= 16 and "\0" not in value
            value = value.encode() if plain else hashlib.sha256(value.encode()).digest()[:16] if value else b""
    if not isinstance(value, (bytes, bytearray)):
        raise InvalidRecord("id", f"{type(value).__name__} is not a UUID, a text or up to 16 bytes")
    if len(value) > 16 or not any(value):
        raise InvalidRecord("id", "expected 1 to 16 bytes that are not all 0")
    return bytes(value).ljust(16, b"\0")


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MICROSECOND = datetime.timedelta(microseconds=1)


def _microseconds(value):
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise InvalidRecord("time", "the datetime has no time zone, so it is no moment: give it a tzinfo")
        value = (value - _EPOCH) // _MICROSECOND
    if not isinstance(value, int):
        raise InvalidRecord("time", f"{type(value).__name__} is neither a datetime nor whole microseconds since 1970")
    if not 0 <= value <= _LARGEST_INT64:
        raise InvalidRecord("time", "is before 1970, or beyond 64 bits")
    return value


def _minor_units(value, currency):
    """Minor units: an int as it is; a Decimal is in major units, and must be whole in the smallest one."""
    if isinstance(value, decimal.Decimal):
        digits = MINOR_UNIT_DIGITS[currency]
        sign, figures, exponent = value.as_tuple()
        if not isinstance(exponent, int):
            raise InvalidRecord("amount", f"{value} is no number")
        if figures and exponent + len(figures) > 20:
            raise InvalidRecord("amount", "is beyond 64 bits")
        scaled = int("".join(map(str, figures))) if figures else 0
        shift = exponent + digits
        scaled, rest = (scaled * 10 ** shift, 0) if shift >= 0 else divmod(scaled, 10 ** min(-shift, 40))
        if rest:
            expected = f"at most {digits} decimals" if digits else "a whole number"
            raise InvalidRecord("amount", f"{_shown(value)} must be {expected} in this currency")
        value = -scaled if sign else scaled
    if not isinstance(value, int):
        raise InvalidRecord("amount", f"a {type(value).__name__} is neither minor units (int) nor major units (Decimal)")
    if not 0 <= value <= _LARGEST_INT64:
        raise InvalidRecord("amount", "is negative, or beyond 64 bits")
    return value


def _duration_code(value):
    if value is None:
        return _DURATION_UNKNOWN
    if isinstance(value, datetime.timedelta):
        value = value // datetime.timedelta(milliseconds=1)
    if not isinstance(value, int) or value < 0:
        raise InvalidRecord("duration", "expected milliseconds, 0 or more, or a timedelta")
    if value < _SECONDS_BIT:
        return value
    return _duration_seconds(value // 1000)


def _duration_seconds(seconds):
    if seconds >= _SECONDS_BIT - 1:
        raise InvalidRecord("duration", "is longer than a record can hold")
    return _SECONDS_BIT | seconds


def _name_or_code(field, value, largest):
    """A name to be looked up later, or a code; 0 for none."""
    if value is None or value == 0:
        return 0
    if isinstance(value, str):
        if not 1 <= len(value.encode()) <= 255:
            raise InvalidRecord(field, "a name has 1 to 255 bytes of UTF-8")
    elif not isinstance(value, int) or not 0 <= value <= largest:
        raise InvalidRecord(field, f"expected a name, or a code up to {largest}")
    return value


def _check_outcome(event, outcome):
    if event == EVENTS["resolved"] and outcome >> 4 == OUTCOME_CLASSES["pending"]:
        raise InvalidRecord("outcome", "a resolved event is never pending")


def _checked_account(account):
    if not 1 <= len(account.encode()) <= 64:
        raise InvalidRecord("payer", "an account has 1 to 64 bytes of UTF-8")
    return account


class Record:
    """One event in the life of one transaction. What can be wrong with it is found out when it is made.

    | argument | is |
    |---|---|
    | id | the source's reference: a uuid.UUID, a text, or up to 16 bytes. All events of a transaction have the same |
    | time | of this event: a datetime with a time zone, or microseconds since 1970 UTC |
    | amount | of this event: an int of minor units, or a Decimal of major ones. VND has no minor unit, GBP has pence |
    | currency | an ISO 4217 code: "VND" or 704 |
    | source | the gateway's name or code, one of the client's `sources`; None: the client's only one |
    | kind, event, step | words of KINDS and EVENTS, and which of several such events, 0 to 15 |
    | outcome, channel | words of OUTCOMES and CHANNELS, or codes |
    | payer_account | the payer's account, of which the ledger only ever sees a keyed token |
    | payer_token | that token, when it is known already |
    | payer_institution, payee_institution, payee, service, region | names, or the codes of names; None: none |
    | duration | from request to outcome: milliseconds, a timedelta, or None: unknown |
    | overdue, test | finished after its deadline; a test, stored and never counted |
    """

    __slots__ = ("id", "time", "amount", "currency", "source", "kind_event", "outcome", "channel", "payer_account",
                 "payer_token", "payer_institution", "payee", "payee_institution", "service", "region", "duration", "flags")

    def __init__(self, id, time, amount, currency, source=None, kind="payment", event="initiated", step=0,
                 outcome="approved", channel="unknown", payer_account=None, payer_token=0, payer_institution=None, payee=None,
                 payee_institution=None, service=None, region=None, duration=None, overdue=False, test=False):
        self.id = _id_bytes(id)
        self.time = _microseconds(time)
        self.currency = _currency_code(currency)
        self.amount = _minor_units(amount, self.currency)
        self.source = _name_or_code("source", source, _LARGEST_16)
        self.kind_event = _vocabulary_code("kind", kind) | _vocabulary_code("event", event) << 4
        self.outcome = _outcome_code(outcome)
        _check_outcome(self.kind_event >> 4, self.outcome)
        self.channel = _channel_code(channel)
        self.payer_account = None if payer_account is None else _checked_account(payer_account)
        if not isinstance(payer_token, int) or not 0 <= payer_token < 1 << 48:
            raise InvalidRecord("payer", "a token is a number of 48 bits")
        self.payer_token = payer_token
        self.payer_institution = _name_or_code("payer_institution", payer_institution, _LARGEST_16)
        self.payee = _name_or_code("payee", payee, _LARGEST_32)
        self.payee_institution = _name_or_code("payee_institution", payee_institution, _LARGEST_16)
        self.service = _name_or_code("service", service, _LARGEST_32)
        self.region = _name_or_code("region", region, _LARGEST_16)
        self.duration = _duration_code(duration)
        if not isinstance(step, int) or not 0 <= step <= 15:
            raise InvalidRecord("step", "expected 0 to 15")
        self.flags = bool(overdue) | bool(test) << 1 | step << 4


RECORD_BYTES = 64
_RECORD = struct.Struct("<16sqqIHHIIIHHHHBBBB")

# The spaces of names, as the names frame numbers them, and the record's fields whose names they hold.
SOURCE, INSTITUTION, PAYEE, SERVICE, REGION = 1, 2, 3, 4, 5
_NAME_FIELDS = (("source", SOURCE), ("payer_institution", INSTITUTION), ("payee_institution", INSTITUTION), ("payee", PAYEE),
                ("service", SERVICE), ("region", REGION))


# Microseconds of a day; the date that days are counted from. An account has one token on a UTC date.
_DAY = 86_400_000_000
_FIRST_DAY = datetime.date(1970, 1, 1).toordinal()


class _Directory:
    """The codes of names, and the tokens of accounts by UTC date, that the client has met."""

    # Tokens are remembered up to here; then all are forgotten, and asked for again as they come.
    MOST_TOKENS = 1 << 18

    def __init__(self):
        # By space, a code for each name; a code stands for itself, so that looking up needs no question.
        self.codes = {space: _Codes() for space in (SOURCE, INSTITUTION, PAYEE, SERVICE, REGION)}
        self.tokens = {}

    def pack(self, records):
        """The 64 bytes of each record, joined; KeyError when a name, or an account on its date, is not known yet."""
        sources, institutions = self.codes[SOURCE], self.codes[INSTITUTION]
        payees, services, regions = self.codes[PAYEE], self.codes[SERVICE], self.codes[REGION]
        tokens, pack = self.tokens, _RECORD.pack
        packed = []
        for record in records:
            account = record.payer_account
            token = record.payer_token if account is None else tokens[account, record.time // _DAY]
            packed.append(pack(
                record.id, record.time, record.amount, token & 0xFFFFFFFF, token >> 32,
                institutions[record.payer_institution], payees[record.payee], services[record.service], record.duration,
                sources[record.source], institutions[record.payee_institution], regions[record.region], record.currency,
                record.kind_event, record.outcome, record.channel, record.flags))
        return b"".join(packed)

    def unknown(self, records):
        """The names, as pairs of space and name, and the accounts, as pairs with their UTC date, that are not known yet."""
        names, accounts = {}, {}
        if len(self.tokens) > self.MOST_TOKENS:
            self.tokens.clear()
        for record in records:
            for field, space in _NAME_FIELDS:
                value = getattr(record, field)
                if isinstance(value, str) and value not in self.codes[space]:
                    names[space, value] = None
            account = record.payer_account
            if account is not None and (account, record.time // _DAY) not in self.tokens:
                accounts[account, record.time // _DAY] = None
        return list(names), list(accounts)


class _Codes(dict):
    def __missing__(self, value):
        if isinstance(value, int):
            return value
        raise KeyError(value)


# ---- Frames --------------------------------------------------------------------------------------------------------

(HELLO, WELCOME, BATCH, RECEIPT, REFUSED, NAMES, CODES, ACCOUNTS, TOKENS, PING, PONG, GOODBYE, ERROR, QUERY, ANSWER, FAILED,
 COMPRESSED_BATCH, CREDENTIALS, DATED_ACCOUNTS) = range(1, 20)
MOST_RECORDS = 1024
MOST_ITEMS = 1024
LARGEST_PAYLOAD = 65536
_HEADER_BYTES = 32
_HEADER = struct.Struct("<4sBBHIIQI")
_BATCH_FLAGS = 0x4001

# What a server may send: the shortest and longest payload, the least and greatest count, whether it has a number, its flags.
_SHAPES = {
    WELCOME: (32, LARGEST_PAYLOAD, 0, 1024, False, 0),
    RECEIPT: (64, 4160, 0, 1024, True, 0),
    REFUSED: (8, LARGEST_PAYLOAD, 0, 0, True, 1),
    CODES: (8, LARGEST_PAYLOAD, 1, 1024, True, 0),
    TOKENS: (8, LARGEST_PAYLOAD, 1, 1024, True, 0),
    PONG: (0, 0, 0, 0, True, 0),
    GOODBYE: (0, 0, 0, 0, False, 0),
    ERROR: (16, LARGEST_PAYLOAD, 0, 0, True, 0),
    FAILED: (8, LARGEST_PAYLOAD, 0, 0, True, 1),
}

_Frame = collections.namedtuple("_Frame", "kind flags number count payload")


def frame(kind, payload=b"", flags=0, number=0, count=0):
    """A whole frame; the payload is padded to a multiple of 8 bytes."""
    payload += bytes(-len(payload) % 8)
    return frame_header(kind, len(payload), crc32c(payload) if payload else 0, flags, number, count) + payload


def frame_header(kind, payload_length, payload_checksum, flags=0, number=0, count=0):
    """The 32 bytes before a payload."""
    header = _HEADER.pack(b"SLUI", 1, kind, flags, payload_length, payload_checksum, number, count)
    return header + struct.pack("<I", crc32c(header))


def hello(client_name, sources):
    """Opens a session; sources are names, or codes of the user's own."""
    name = client_name.encode()[:255]
    payload = struct.pack("<H6x", len(name)) + name
    for source in sources:
        if isinstance(source, int):
            payload += struct.pack("<HBB", source, 0, 0)
        else:
            payload += struct.pack("<HBB", 0, 0, len(source.encode())) + source.encode()
    return frame(HELLO, payload, count=len(sources))


def credentials(token):
    """Says who connects, before the hello."""
    text = token.encode("ascii")
    return frame(CREDENTIALS, struct.pack("<II", len(text), 0) + text)


def batch(number, records):
    """A batch of records, given as their bytes."""
    return frame(BATCH, records, _BATCH_FLAGS, number, len(records) // RECORD_BYTES)


def goodbye():
    """The end of what a side sends."""
    return frame(GOODBYE)


def _padded(payload, used):
    """Checks that nothing but padding follows after `used` bytes."""
    if not 0 <= len(payload) - used < 8 or any(payload[used:]):
        raise WrongAnswer(f"a payload of {len(payload)} bytes holds {used} and no padding of zeros")


class _FrameReader:
    """Bytes of a stream to frames, each checked before it is believed."""

    def __init__(self):
        self._bytes = bytearray()

    def feed(self, data):
        self._bytes += data

    def next(self):
        """The next frame; None until it is whole."""
        if len(self._bytes) < _HEADER_BYTES:
            return None
        magic, version, kind, flags, length, checksum, number, count = _HEADER.unpack_from(self._bytes)
        if magic != b"SLUI":
            raise WrongAnswer("there is no Sluice daemon's stream port: what came is no frame")
        if version != 1:
            raise WrongAnswer(f"the server speaks version {version} of the protocol, this client version 1")
        if struct.unpack_from("<I", self._bytes, 28)[0] != crc32c(self._bytes[:28]):
            raise WrongAnswer("the checksum of a frame's header is wrong")
        if kind not in _SHAPES:
            raise WrongAnswer(f"a frame of kind {kind} came, which no server sends to this client")
        shortest, longest, least, most, has_number, known_flags = _SHAPES[kind]
        if (not shortest <= length <= longest or length % 8 or not least <= count <= most or flags & ~known_flags
                or number and not has_number):
            raise WrongAnswer(f"length {length}, count {count}, number {number} or flags {flags} do not fit kind {kind}")
        if len(self._bytes) < _HEADER_BYTES + length:
            return None
        payload = bytes(self._bytes[_HEADER_BYTES:_HEADER_BYTES + length])
        del self._bytes[:_HEADER_BYTES + length]
        if (crc32c(payload) if payload else 0) != checksum:
            raise WrongAnswer("the checksum of a frame's payload is wrong")
        return _Frame(kind, flags, number, count, payload)


def _explained(payload):
    """Cause, and text, of a refusal or failure."""
    cause, length, zero = struct.unpack_from("<HHI", payload)
    if zero or length > 1000:
        raise WrongAnswer("a refusal is malformed")
    _padded(payload, 8 + length)
    return cause, payload[8:8 + length].decode(errors="replace")


# ---- What comes back -----------------------------------------------------------------------------------------------

Exceptional = collections.namedtuple("Exceptional", "index reason field")
Exceptional.__doc__ = "A record that is not in the ledger: its place in what was sent at once, a reason and a field, by name."


class Result:
    """What became of a batch: it is on disk, except for what `exceptions` names.

    `tag` is what was given to `send`; `offset` says how many records of the same call were in batches before this one.
    """

    __slots__ = ("tag", "offset", "count", "was_resent", "accepted", "duplicates", "conflicts", "rejected", "first_sequence",
                 "chain_sequence", "chain_digest", "exceptions")

    def __init__(self, sent, answer):
        self.tag, self.offset, self.count, self.was_resent = sent.tag, sent.offset, sent.count, sent.times_sent > 1
        (self.accepted, self.duplicates, self.conflicts, self.rejected, self.first_sequence, self.chain_sequence,
         self.chain_digest) = struct.unpack_from("<IIIIQQ32s", answer.payload)
        if self.accepted + self.duplicates + self.conflicts + self.rejected != self.count:
            raise WrongAnswer(f"a receipt does not count the {self.count} records of its batch")
        if self.conflicts + self.rejected != answer.count:
            raise WrongAnswer("a receipt does not name every conflict and rejected record")
        if bool(self.accepted) != bool(self.first_sequence):
            raise WrongAnswer("a receipt's first sequence does not fit what was accepted")
        _padded(answer.payload, 64 + 4 * answer.count)
        self.exceptions = []
        before = -1
        for index, reason, field in struct.iter_unpack("<HBB", answer.payload[64:64 + 4 * answer.count]):
            if not before < index < self.count or reason not in REASONS or field >= len(FIELDS):
                raise WrongAnswer("a receipt's exception is malformed")
            before = index
            self.exceptions.append(Exceptional(self.offset + index, reason, FIELDS[field]))
        if sum(exception.reason == 1 for exception in self.exceptions) != self.conflicts:
            raise WrongAnswer("a receipt's exceptions do not fit its counts")

    def __repr__(self):
        return "Result(" + ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__) + ")"


class ClientError(Exception):
    """The client cannot go on."""


class CannotConnect(ClientError):
    """No connection could be made."""


class Lost(ClientError):
    """The connection was lost and did not come back in time. `Client.unanswered` has what is not known to be on disk."""


class OtherLedger(ClientError):
    """Another ledger, or other codes for the sources, were found at the address after a loss."""


class WrongAnswer(ClientError):
    """What the server sent is wrong."""


class Closed(ClientError):
    """The client was closed."""


class Refused(ClientError):
    """The daemon took a batch back and nothing of it is in the ledger; trying again is no use now."""

    def __init__(self, cause, text):
        super().__init__(f"the daemon refused a batch: {text}")
        self.cause = cause


class NotTaken(ClientError):
    """Records are not in the ledger: rejected, or in conflict with what is there. All others that were sent are."""

    MOST_EXCEPTIONS = 1000

    def __init__(self, count, exceptions):
        shown = "; ".join(
            f"record {exception.index + 1} of a send: {exception.field} {REASONS[exception.reason]}" for exception in exceptions[:3])
        super().__init__(f"{count:,} record{'s' if count > 1 else ''} not taken: {shown}{'; ...' if count > 3 else ''}")
        #: How many, and the first thousand of them.
        self.count, self.exceptions = count, exceptions


class RequestFailed(ClientError):
    """Codes or tokens were not given."""

    def __init__(self, cause, text):
        super().__init__(text)
        self.cause = cause


_ERRORS = {
    1: "what came was no Sluice stream",
    2: "the server does not speak this client's version of the protocol",
    3: "the checksum of a frame's header was wrong when it arrived",
    4: "the checksum of a frame's payload was wrong when it arrived",
    5: "a kind of frame that the server does not know",
    6: "a frame whose length, count, number or flags do not fit its kind",
    7: "a malformed payload",
    8: "a frame that was not expected then",
    9: "a batch out of order",
    10: "more batches or requests without an answer than allowed",
    11: "a source cannot be had",
    12: "the connection was idle",
    13: "too many connections",
    14: "the server stops",
    15: "not allowed",
}
_TRANSIENT_ERRORS = (12, 13, 14)


class ServerError(ClientError):
    """The server ended the connection and said why."""

    def __init__(self, payload):
        self.code, self.kind, zero, length, zeros, self.place = struct.unpack_from("<HBBHHQ", payload)
        if zero or zeros or length > 1000:
            raise WrongAnswer("an error frame is malformed")
        _padded(payload, 16 + length)
        self.text = payload[16:16 + length].decode(errors="replace")
        meaning = _ERRORS.get(self.code, f"error {self.code}")
        super().__init__(f"{meaning}: {self.text}" if self.text else meaning)


# ---- The client ----------------------------------------------------------------------------------------------------


class _Batch:
    """A batch without an answer; its bytes never change, so a resend is the same records."""

    __slots__ = ("payload", "checksum", "count", "tag", "offset", "times_sent")

    def __init__(self, payload, tag, offset):
        self.payload, self.checksum, self.count = payload, crc32c(payload), len(payload) // RECORD_BYTES
        self.tag, self.offset, self.times_sent = tag, offset, 0


class _Request:
    """A question for codes or tokens that has no answer yet. Asking again does no harm."""

    def __init__(self, kind, payload, count):
        self.kind, self.payload, self.count = kind, payload, count
        self.is_sent = self.is_done = False
        self.answer = self.failure = None


class _Connection:
    """A socket that does not block, with what is to be written and what was read."""

    def __init__(self, host, port, tls, server_name, timeout):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                self.socket = tls.wrap_socket(self.socket, server_hostname=server_name)
            self.socket.setblocking(False)
        except BaseException:
            self.socket.close()
            raise
        self._outgoing = collections.deque()
        self._reader = _FrameReader()
        self._wants_write = False
        self.is_at_end = False
        self.last_sent = self.last_heard = time.monotonic()
        self.is_pinged = False

    def queue(self, *pieces):
        self._outgoing.extend(map(memoryview, pieces))
        self.last_sent = time.monotonic()

    def transfer(self):
        """Writes and reads what is possible at once; true when anything was."""
        return self._write() | self._read()

    def _write(self):
        has_moved = self._wants_write = False
        while self._outgoing:
            try:
                if hasattr(self.socket, "sendmsg") and not isinstance(self.socket, ssl.SSLSocket):
                    count = self.socket.sendmsg(list(_first(self._outgoing, 16)))
                else:
                    count = self.socket.send(self._outgoing[0])
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wants_write = True
                break
            except ssl.SSLWantReadError:
                break
            has_moved = True
            while count:
                piece = self._outgoing.popleft()
                if count < len(piece):
                    self._outgoing.appendleft(piece[count:])
                count -= min(count, len(piece))
        return has_moved

    def _read(self):
        try:
            data = self.socket.recv(1 << 18)
        except ssl.SSLWantWriteError:
            self._wants_write = True
            return False
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        if not data:
            self.is_at_end = True
            return True
        self.last_heard = time.monotonic()
        self.is_pinged = False
        self._reader.feed(data)
        return True

    def frames(self):
        """Every whole frame that has come."""
        while (received := self._reader.next()) is not None:
            yield received

    @property
    def interest(self):
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._wants_write else 0)

    def close(self):
        self.socket.close()


def _first(pieces, count):
    for _, piece in zip(range(count), pieces):
        yield piece


_LOG = logging.getLogger("sluice")


class _ConnectionLost(Exception):
    """The connection is gone; another one may do."""


class Client:
    """A gateway's end of a stream into a ledger. Any number of threads may send.

    :param address: "host:port", or a pair of both.
    :param sources: names, or codes up to 32,767, of the gateways that records come from.
    :param name: for the daemon's log.
    :param on_result: is called with a `Result` for each batch, in the order of sending, on the client's own thread; keep it
        short. When it raises, the client ends with that error. Without it `flush` and `finish` raise `NotTaken` when records
        were rejected or in conflict.
    :param window: the most batches without a receipt, 64 KiB each; the daemon's own limit counts when smaller.
    :param patience: how many seconds a lost connection is tried to be had again; None: for ever.
    :param tls: an ssl.SSLContext, or True for the system's certificate authorities.
    :param token: what `sluice token create` gave out, where the daemon asks for one.
    :param timeout: how many seconds an attempt to connect may take.

    Losses of the connection are logged as warnings of the logger "sluice".
    """

    # Pauses between attempts to connect: at random up to the first, which doubles up to the longest.
    FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 2.0
    # How long a daemon may say nothing although it was pinged.
    LONGEST_SILENCE_SECONDS = 60.0

    def __init__(self, address, sources=(), *, name="python", on_result=None, window=256, patience=60.0, tls=None,
                 token=None, timeout=5.0):
        self._host, self._port = _host_and_port(address)
        self._sources = list(sources)
        for source in self._sources:
            if isinstance(source, int) and not 1 <= source <= 0x7FFF:
                raise ValueError(f"source {source}: a code of one's own is 1 to 32,767")
            _name_or_code("source", source, 0x7FFF)
        if len(self._sources) > MOST_ITEMS or window < 1:
            raise ValueError("a client has at most 1,024 sources, and a window of at least 1")
        self._name, self._on_result, self._window, self._patience = name, on_result, window, patience
        self._tls = ssl.create_default_context() if tls is True else tls
        if token is not None and not (1 <= len(token) <= 512 and token.isascii()):
            raise ValueError("a token has 1 to 512 ASCII characters")
        self._token, self._timeout = token, timeout
        self._directory = _Directory()
        self._packing = threading.Lock()
        # What the lock guards: everything below. The client's own thread alone changes the session's part of it.
        self._changed = threading.Condition()
        self._batches = collections.deque()
        self._requests = {}
        self._last_request = 0
        self._end = None
        self._is_finishing = False
        # The session: how many of the batches are on their way, and the numbers of the last one sent and answered.
        self._connection = None
        self._is_open = self._is_leaving = self._has_said_goodbye = False
        self._sent = self._answered = self._underway = 0
        # Batches that the server gave back, older than all others, and why it did.
        self._returned = collections.deque()
        self._refusal = None
        self._lost_since = self._last_reason = None
        self._has_answered = False
        self._not_taken, self._not_taken_count = [], 0
        #: What the welcome told: an identifier of the ledger, the server's name, limits and the codes of the sources.
        self.ledger = self.server = self.records_per_batch = self.source_codes = None
        self._idle_seconds = self._open_requests = None
        self._waker, self._wakes = socket.socketpair()
        self._waker.setblocking(False)
        self._wakes.setblocking(False)
        self._is_asleep = False
        self._thread = threading.Thread(target=self._run, name="sluice", daemon=True)
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self.ledger is not None or self._end is not None)
            end = self._end
        if end is not None:
            self._thread.join()
            raise end

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.finish()
        else:
            self.close()

    # What an application calls.

    def send(self, records, tag=None):
        """Sends a record, or any number of them in batches of up to 1,024. Waits while the window is full."""
        if isinstance(records, Record):
            records = (records,)
        most, offset, group = self.records_per_batch, 0, []
        for record in records:
            group.append(record)
            if len(group) == most:
                self._submit(self._packed(group), tag, offset)
                offset += most
                group = []
        if group:
            self._submit(self._packed(group), tag, offset)

    def send_raw(self, data, tag=None):
        """Sends records that are in their 64 bytes already, with codes for names and tokens for accounts."""
        if len(data) % RECORD_BYTES:
            raise ValueError(f"{len(data)} bytes are no whole number of records")
        most = self.records_per_batch * RECORD_BYTES
        for start in range(0, len(data), most):
            self._submit(bytes(data[start:start + most]), tag, start // RECORD_BYTES)

    def codes(self, names):
        """The codes of names, given as pairs of a space (SOURCE, INSTITUTION, ...) and a name; new names get codes."""
        pieces = []
        for space, name in names:
            text = name.encode()
            if not 1 <= len(text) <= 255:
                raise ValueError("a name has 1 to 255 bytes of UTF-8")
            pieces.append(struct.pack("<BB", space, len(text)) + text)
        return self._ask(NAMES, pieces)

    def tokens(self, accounts, date=None):
        """The tokens of accounts, of which the daemon keeps nothing else.

        :param date: the UTC date of the records that they are for, whose key may be another than today's (None).
        """
        day = (date or datetime.datetime.now(datetime.timezone.utc).date()).toordinal() - _FIRST_DAY
        return self._dated_tokens((account, day) for account in accounts)

    def _dated_tokens(self, accounts):
        """The tokens of accounts, given as pairs with days since 1970."""
        pieces = []
        for account, day in accounts:
            text = account.encode()
            if not 1 <= len(text) <= 64:
                raise ValueError("an account has 1 to 64 bytes of UTF-8")
            pieces.append(struct.pack("<iB", day, len(text)) + text)
        return self._ask(DATED_ACCOUNTS, pieces)

    def flush(self):
        """Returns when every batch that was sent has its receipt.

        Raises `NotTaken` when records of them are not in the ledger, and nobody was told by `on_result`.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._unanswered or self._end is not None)
            if self._unanswered:
                raise self._end
            count, exceptions = self._not_taken_count, self._not_taken
            self._not_taken, self._not_taken_count = [], 0
        if count:
            raise NotTaken(count, exceptions)

    def finish(self):
        """Waits for every receipt, says goodbye and closes."""
        try:
            self.flush()
            with self._changed:
                self._is_finishing = True
                self._wake()
            self._thread.join()
        finally:
            self.close()

    def close(self):
        """Closes at once; what has no receipt may or may not be in the ledger."""
        with self._changed:
            if self._end is None:
                self._end = Closed("the client is closed")
            self._changed.notify_all()
            self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    @property
    def not_taken(self):
        """Without `on_result`: the records that were rejected or in conflict, as `Exceptional`, that no `NotTaken` has told of,
        the first thousand. They have their answer, so they are not in `unanswered`; look here after `Lost`, too."""
        with self._changed:
            return list(self._not_taken)

    @property
    def unanswered(self):
        """The bytes of all records without a receipt, for `send_raw` of another client: nothing is doubled by it."""
        with self._changed:
            return b"".join(waiting.payload for waiting in (*self._returned, *self._batches))

    @property
    def _unanswered(self):
        return len(self._returned) + len(self._batches)

    # How records get into the window.

    def _packed(self, records):
        with self._packing:
            try:
                return self._directory.pack(records)
            except KeyError:
                dated = self._learn(records)
                packed = self._directory.pack(records)
                # For what is further ahead another key may still come.
                settled = int(time.time()) // 86_400 + 1
                for account in dated:
                    if account[1] > settled:
                        del self._directory.tokens[account]
                return packed

    def _learn(self, records):
        """Asks for what is not known; the accounts that it asked for, with their dates."""
        names, accounts = self._directory.unknown(records)
        for space, name in names:
            if space == SOURCE:
                raise InvalidRecord("source", f"{_shown(name)} is not one of the client's sources")
        for (space, name), code in zip(names, self.codes(names)):
            self._directory.codes[space][name] = code
        self._directory.tokens.update(zip(accounts, self._dated_tokens(accounts)))
        return accounts

    def _submit(self, payload, tag, offset):
        waiting = _Batch(payload, tag, offset)
        with self._changed:
            self._changed.wait_for(lambda: self._unanswered < self._window or self._end is not None)
            if self._end is not None:
                raise self._end
            self._batches.append(waiting)
            self._wake()

    def _ask(self, kind, pieces):
        """Asks in as many requests as the pieces need."""
        asked, payload, count = [], [], 0
        size = 0
        for piece in pieces:
            if count == MOST_ITEMS or size + len(piece) > LARGEST_PAYLOAD:
                asked.append(_Request(kind, b"".join(payload), count))
                payload, count, size = [], 0, 0
            payload.append(piece)
            count += 1
            size += len(piece)
        if count:
            asked.append(_Request(kind, b"".join(payload), count))
        with self._changed:
            if self._end is not None:
                raise self._end
            for request in asked:
                self._last_request += 1
                self._requests[self._last_request] = request
            self._wake()
            self._changed.wait_for(lambda: self._end is not None or all(request.is_done for request in asked))
            answer = []
            for request in asked:
                if not request.is_done:
                    raise self._end
                if request.failure is not None:
                    raise request.failure
                answer += request.answer
            return answer

    def _wake(self):
        if self._is_asleep:
            self._is_asleep = False
            try:
                self._waker.send(b"\0")
            except OSError:
                pass

    # The client's own thread: connects, sends, receives, connects again.

    def _run(self):
        selector = selectors.DefaultSelector()
        selector.register(self._wakes, selectors.EVENT_READ)
        try:
            pause = self.FIRST_PAUSE_SECONDS
            while self._end is None:
                try:
                    self._converse(selector)
                    break
                except (OSError, _ConnectionLost) as loss:
                    self._forget_session()
                    if self._has_answered:
                        pause, self._has_answered = self.FIRST_PAUSE_SECONDS, False
                    if self._end is None:
                        self._wait_to_connect(selector, loss, pause)
                    pause = min(2 * pause, self.LONGEST_PAUSE_SECONDS)
        except BaseException as end:  # Whoever waits is told, whatever it was.
            self._finish_with(end)
        finally:
            self._finish_with(Closed("the client is closed"))
            if self._connection is not None:
                self._connection.close()
            selector.close()
            self._wakes.close()
            self._waker.close()

    def _finish_with(self, end):
        with self._changed:
            if self._end is None:
                self._end = end
            self._changed.notify_all()

    def _wait_to_connect(self, selector, loss, pause):
        where = f"{self._host}:{self._port}"
        reason = str(loss) or type(loss).__name__
        if self.ledger is None:
            raise CannotConnect(f"cannot connect to {where}: {reason}") from loss
        now = time.monotonic()
        if self._lost_since is None:
            self._lost_since = now
        if reason != self._last_reason:
            _LOG.warning("lost the connection to %s (%s); trying again", where, reason)
            self._last_reason = reason
        if self._patience is not None and now - self._lost_since >= self._patience:
            raise Lost(f"lost the connection to {where}: {reason}") from loss
        until = now + random.uniform(0, pause)
        while self._end is None and (left := until - time.monotonic()) > 0:
            self._sleep(selector, left)

    def _forget_session(self):
        """After a loss: everything without an answer comes again, in the old order."""
        with self._changed:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._batches.extendleft(reversed(self._returned))
            self._returned.clear()
            for request in self._requests.values():
                request.is_sent = False
            self._is_open = self._is_leaving = self._has_said_goodbye = False
            self._sent = self._answered = self._underway = 0
            self._refusal = None
            if self._is_finishing and not self._batches and not self._requests:
                self._end = self._end or Closed("the client is closed")

    def _converse(self, selector):
        """One connection, from the hello to the last goodbye; raises when it was lost."""
        connection = self._connection = _Connection(self._host, self._port, self._tls, self._host, self._timeout)
        if self._token is not None:
            connection.queue(credentials(self._token))
        connection.queue(hello(self._name, self._sources))
        selector.register(connection.socket, connection.interest)
        try:
            while self._end is None:
                self._put_out(connection)
                has_moved = connection.transfer()
                for received in connection.frames():
                    self._take(received)
                    if self._end is not None:
                        return
                if connection.is_at_end:
                    with self._changed:
                        if self._is_finishing and self._has_said_goodbye and not self._batches:
                            return
                    raise _ConnectionLost(self._refusal or self._how_it_closed())
                if not has_moved:
                    self._beat(connection)
                    selector.modify(connection.socket, connection.interest)
                    self._sleep(selector, self._seconds_to_beat(connection))
        finally:
            selector.unregister(connection.socket)

    def _how_it_closed(self):
        if self.ledger is not None or self._tls is not None:
            return "the server closed the connection"
        return "the server closed the connection without a word; perhaps TLS is spoken there"

    def _sleep(self, selector, seconds):
        with self._changed:
            if self._end is not None or self._has_something_to_send():
                return
            self._is_asleep = True
        selector.select(max(0.0, seconds))
        with self._changed:
            self._is_asleep = False
        try:
            while self._wakes.recv(4096):
                pass
        except BlockingIOError:
            pass

    def _has_something_to_send(self):
        if self._connection is None or not self._is_open or self._is_leaving or self._has_said_goodbye:
            return False
        if self._underway < min(len(self._batches), self._credit):
            return True
        if self._is_finishing and not self._batches and not self._requests:
            return True
        open_requests = sum(request.is_sent for request in self._requests.values())
        return open_requests < min(len(self._requests), self._open_requests)

    def _put_out(self, connection):
        """Queues what may be sent."""
        with self._changed:
            if not self._is_open or self._has_said_goodbye:
                return
            if self._is_leaving:
                connection.queue(goodbye())
                self._has_said_goodbye = True
                return
            while self._underway < min(len(self._batches), self._credit):
                waiting = self._batches[self._underway]
                self._underway += 1
                self._sent += 1
                waiting.times_sent += 1
                connection.queue(
                    frame_header(BATCH, len(waiting.payload), waiting.checksum, _BATCH_FLAGS, self._sent, waiting.count),
                    waiting.payload)
            if self._requests:
                for number, request in list(self._requests.items())[:self._open_requests]:
                    if not request.is_sent:
                        request.is_sent = True
                        connection.queue(frame(request.kind, request.payload, number=number, count=request.count))
            if self._is_finishing and not self._batches and not self._requests:
                connection.queue(goodbye())
                self._has_said_goodbye = True

    def _seconds_to_beat(self, connection):
        due = self._idle_seconds / 3 if self._is_open else self._timeout
        if self._has_said_goodbye:
            return 1.0
        return due - (time.monotonic() - connection.last_sent)

    def _beat(self, connection):
        """Shows a daemon that the client is there, and notices one that is not."""
        now = time.monotonic()
        if not self._is_open:
            if now - connection.last_sent >= self._timeout:
                raise _ConnectionLost(f"no welcome came in {self._timeout:g} s")
            return
        if (connection.is_pinged or self._has_said_goodbye) and now - connection.last_heard > self.LONGEST_SILENCE_SECONDS:
            raise _ConnectionLost(f"the server was silent for {self.LONGEST_SILENCE_SECONDS:g} s")
        if now - connection.last_sent >= self._idle_seconds / 3 and not self._has_said_goodbye:
            connection.queue(frame(PING))
            connection.is_pinged = True

    def _take(self, received):
        kind = received.kind
        if kind == ERROR:
            error = ServerError(received.payload)
            if error.code in _TRANSIENT_ERRORS:
                raise _ConnectionLost(str(error))
            raise error
        if kind == GOODBYE:
            self._is_leaving = True
        elif not self._is_open:
            if kind != WELCOME:
                raise WrongAnswer(f"a frame of kind {kind} came instead of a welcome")
            self._take_welcome(received)
        elif kind == RECEIPT:
            self._take_receipt(received)
        elif kind == REFUSED:
            self._take_refusal(received)
        elif kind in (CODES, TOKENS, FAILED):
            self._take_reply(received)
        elif kind == WELCOME:
            raise WrongAnswer("a second welcome came")

    def _take_welcome(self, received):
        (records, credit, largest, idle, requests, length, zero, ledger) = struct.unpack_from("<IIIIIHHQ", received.payload)
        codes = struct.unpack_from(f"<{received.count}H", received.payload, 32)
        used = 32 + 2 * received.count + length
        _padded(received.payload, used)
        if not 1 <= records <= MOST_RECORDS or not credit or not requests or zero or largest < LARGEST_PAYLOAD or not idle:
            raise WrongAnswer("the welcome's limits make no sense")
        if len(codes) != len(self._sources):
            raise WrongAnswer("the welcome has not as many codes as the hello had sources")
        if self.ledger is not None and (ledger, list(codes)) != (self.ledger, self.source_codes):
            raise OtherLedger("the server came back with another ledger or other codes for the sources")
        with self._changed:
            self._credit, self._open_requests, self._idle_seconds = credit, requests, idle / 1000
            self._window = min(self._window, credit)
            if self.ledger is None:
                self.source_codes, self.records_per_batch = list(codes), records
                self.server = received.payload[used - length:used].decode(errors="replace")
                known = self._directory.codes[SOURCE]
                known.update(zip(self._sources, codes))
                if len(codes) == 1:
                    known[0] = codes[0]
                self.ledger = ledger
            self._is_open = True
            if not self._unanswered and not self._requests:
                self._has_got_on()
            self._changed.notify_all()

    def _has_got_on(self):
        """Something was answered: patience and pauses begin anew."""
        self._lost_since = self._last_reason = None
        self._has_answered = True

    def _next_answered(self, received):
        self._answered += 1
        if not self._underway or received.number != self._answered:
            raise WrongAnswer(f"an answer to batch {received.number} came, expected one to {self._answered}")
        return self._batches[0]

    def _take_receipt(self, received):
        result = Result(self._next_answered(received), received)
        self._has_got_on()
        if self._on_result is not None:
            try:
                self._on_result(result)
            except BaseException as end:
                self._finish_with(end)
                return
        with self._changed:
            if self._on_result is None:
                self._not_taken_count += len(result.exceptions)
                self._not_taken += result.exceptions[:NotTaken.MOST_EXCEPTIONS - len(self._not_taken)]
            self._batches.popleft()
            self._underway -= 1
            self._changed.notify_all()

    def _take_refusal(self, received):
        """One that may be tried again is, on a connection of its own after a pause, in the old order."""
        answered = self._next_answered(received)
        cause, text = _explained(received.payload)
        if not received.flags & 1:
            raise Refused(cause, text)
        with self._changed:
            self._refusal = text
            self._returned.append(answered)
            self._batches.popleft()
            self._underway -= 1
            self._is_leaving = True

    def _take_reply(self, received):
        with self._changed:
            request = self._requests.get(received.number)
            if request is None or not request.is_sent:
                raise WrongAnswer(f"an answer to request {received.number} came, which is not open")
            if received.kind == FAILED:
                cause, text = _explained(received.payload)
                if received.flags & 1:
                    self._refusal = text
                    self._is_leaving = True
                    return
                request.failure = RequestFailed(cause, text)
            else:
                width = 4 if received.kind == CODES else 8
                if (request.kind == NAMES) != (received.kind == CODES) or received.count != request.count:
                    raise WrongAnswer("an answer does not fit its request")
                _padded(received.payload, width * received.count)
                letter = "I" if width == 4 else "Q"
                request.answer = struct.unpack_from(f"<{received.count}{letter}", received.payload)
                if width == 8 and any(token >> 48 for token in request.answer):
                    raise WrongAnswer("a token has more than 48 bits")
            del self._requests[received.number]
            request.is_done = True
            self._has_got_on()
            self._changed.notify_all()


def _host_and_port(address):
    if isinstance(address, str):
        host, separator, port = address.rpartition(":")
        if not separator or not host or not port.isdecimal():
            raise ValueError(f"{address}: expected HOST:PORT")
        address = (host[1:-1] if host.startswith("[") and host.endswith("]") else host, int(port))
    host, port = address
    if not 1 <= port <= 65535:
        raise ValueError(f"{port} is no port")
    return host, port


# ---- Text to records -----------------------------------------------------------------------------------------------

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?(Z|z|[+-]\d\d(?::?\d\d)?)?", re.ASCII)
_AMOUNT = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?", re.ASCII)
_CODE = re.compile(r"#?\d{1,10}", re.ASCII)
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_TEXT_FIELDS = ("id", "time", "amount", "currency", "source", "kind", "event", "step", "outcome", "channel", "payer",
                "payer_institution", "payee", "payee_institution", "service", "region", "duration", "overdue", "test")


class _Memo(dict):
    """What texts were read as. Most fields have few different ones, and looking up is ten times as fast as reading."""

    MOST = 1 << 16

    def __init__(self, read, *words):
        super().__init__()
        self._read, self._words = read, words

    def __missing__(self, text):
        value = self._read(*self._words, text)
        if len(self) >= self.MOST:
            self.clear()
        self[text] = value
        return value


class RecordText:
    """Reads records from the texts of their fields, as docs/mapping.md describes the product's own form."""

    def __init__(self, sources, zone=datetime.timezone.utc):
        self._sources, self._zone = frozenset(sources), zone
        self._minutes = _Memo(self._minute)
        self._currencies = _Memo(_currency_code)
        self._kinds, self._events = _Memo(_vocabulary_code, "kind"), _Memo(_vocabulary_code, "event")
        self._outcomes, self._channels = _Memo(_outcome_code), _Memo(_channel_code)
        self._steps, self._durations = _Memo(_read_step), _Memo(_read_duration)
        self._source_names = _Memo(self._source)
        self._institutions = _Memo(_read_name, "payer_institution", _LARGEST_16)
        self._payee_institutions = _Memo(_read_name, "payee_institution", _LARGEST_16)
        self._payees, self._services = _Memo(_read_name, "payee", _LARGEST_32), _Memo(_read_name, "service", _LARGEST_32)
        self._regions = _Memo(_read_name, "region", _LARGEST_16)
        self._overdue, self._tests = _Memo(_read_truth, "overdue"), _Memo(_read_truth, "test")

    def record(self, values):
        """A record from a dictionary of fields that are not empty; InvalidRecord when it cannot be one.

        The same as `Record(...)` of what the texts say, without its many arguments.
        """
        get = values.get
        record = Record.__new__(Record)
        try:
            record.id = _id_from_text(values["id"])
            record.time = self._time(values["time"])
            record.currency = self._currencies[values["currency"]]
            record.amount = _amount_from_text(values["amount"], record.currency)
        except KeyError as missing:
            raise InvalidRecord(missing.args[0], "is missing") from None
        record.source = self._source_names[get("source", "")]
        event = self._events[get("event", "initiated")]
        record.kind_event = self._kinds[get("kind", "payment")] | event << 4
        record.outcome = outcome = self._outcomes[get("outcome", "approved")]
        _check_outcome(event, outcome)
        record.channel = self._channels[get("channel", "unknown")]
        record.payer_account, record.payer_token = _payer_from_text(get("payer"))
        record.payer_institution = self._institutions[get("payer_institution", "0")]
        record.payee = self._payees[get("payee", "0")]
        record.payee_institution = self._payee_institutions[get("payee_institution", "0")]
        record.service = self._services[get("service", "0")]
        record.region = self._regions[get("region", "0")]
        duration = get("duration")
        record.duration = _DURATION_UNKNOWN if duration is None else self._durations[duration]
        flags = 0
        if "step" in values:
            flags = self._steps[values["step"]] << 4
        if "overdue" in values:
            flags |= self._overdue[values["overdue"]]
        if "test" in values:
            flags |= self._tests[values["test"]] << 1
        record.flags = flags
        return record

    def _source(self, text):
        if not text:
            if len(self._sources) == 1:
                return 0
            raise InvalidRecord("source", "is missing, and there is not just one --source")
        source = _read_name("source", _LARGEST_16, text)
        if source not in self._sources:
            raise InvalidRecord("source", f"{_shown(text)} is none of --source")
        return source

    def _time(self, text):
        # 2026-11-20T02:12:31.000000Z, the form that is written here, needs no pattern but for its minute.
        if len(text) == 27 and text[16] == ":" and text[19] == "." and text[26] == "Z":
            digits = text[17:19] + text[20:26]
            if digits.isascii() and digits.isdigit() and digits < "6":
                return self._minutes[text[:16]] + int(digits)
        match = _TIME.fullmatch(text)
        if match is None:
            raise InvalidRecord("time", f"{_shown(text)} is no time such as 2026-11-20T09:12:31+07:00")
        day, hour, minute, second, fraction, offset = match.groups()
        try:
            moment = datetime.datetime.fromisoformat(f"{day}T{hour or '00'}:{minute or '00'}:{second or '00'}")
        except ValueError:
            raise InvalidRecord("time", f"{_shown(text)} does not exist") from None
        moment = moment.replace(tzinfo=self._zone if offset is None else _zone_from_text(offset))
        if moment.astimezone(datetime.timezone.utc).astimezone(moment.tzinfo).replace(fold=0) != moment:
            raise InvalidRecord("time", f"{_shown(text)} was never shown by the clocks of that zone")
        return _microseconds(moment) + (int(fraction[:6].ljust(6, "0")) if fraction else 0)

    def _minute(self, text):
        """When a minute of UTC began."""
        return self._time(text + "Z")


def _zone_from_text(offset):
    if offset in "Zz":
        return datetime.timezone.utc
    digits = offset[1:].replace(":", "")
    away = datetime.timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    if away >= datetime.timedelta(days=1):
        raise InvalidRecord("time", f"{_shown(offset)} is no offset of a zone")
    return datetime.timezone(away if offset[0] == "+" else -away)


def _amount_from_text(text, currency):
    if len(text) < 16 and text.isascii() and text.isdigit():
        return int(text) * 10 ** MINOR_UNIT_DIGITS[currency]
    if not _AMOUNT.fullmatch(text):
        raise InvalidRecord("amount", f"{_shown(text)} is no decimal number")
    return _minor_units(decimal.Decimal(text), currency)


def _id_from_text(text):
    if text.startswith("sha256:") and re.fullmatch(r"[0-9a-f]{32}", text[7:]):
        return bytes.fromhex(text[7:])
    return _id_bytes(text)


def _payer_from_text(text):
    """A payer's account and token, of which there is one at most."""
    if text is None:
        return None, 0
    if len(text) == 18 and text.startswith("token:") and text.islower():
        try:
            token = bytes.fromhex(text[6:])
            if len(token) == 6:
                return None, int.from_bytes(token, "little")
        except ValueError:
            pass
    return _checked_account(text), 0


def _read_name(field, largest, text):
    if _CODE.fullmatch(text):
        return _name_or_code(field, int(text.lstrip("#")), largest)
    return _name_or_code(field, text[5:] if text.startswith("name:") else text, largest)


def _read_step(text):
    if not (text.isascii() and text.isdigit() and int(text) < 16):
        raise InvalidRecord("step", f"{_shown(text)} is not 0 to 15")
    return int(text)


def _read_duration(text):
    match = re.fullmatch(r"(\d{1,12})(s?)", text, re.ASCII)
    if match is None:
        raise InvalidRecord("duration", f"{_shown(text)} is neither milliseconds nor seconds such as 90s")
    return _duration_seconds(int(match[1])) if match[2] else _duration_code(int(match[1]))


def _read_truth(field, text):
    if text not in _TRUTHS:
        raise InvalidRecord(field, f"{_shown(text)} is none: {', '.join(_TRUTHS)}")
    return _TRUTHS[text]


# ---- Files to rows -------------------------------------------------------------------------------------------------

_LONGEST_ROW_BYTES = 1 << 20


class UsageError(Exception):
    """The command's words are off, or name what is not there."""


class InputError(Exception):
    """A file that cannot be read at all."""


class _Lines:
    """The lines of a file or pipe, with how far they were taken."""

    def __init__(self, file, name, on_pause):
        self._file, self._name, self._on_pause = file, name, on_pause
        self._ready = collections.deque()
        self._rest = b""
        self._has_ended = False
        #: Bytes and lines that were taken.
        self.offset = self.number = 0

    def skip_to(self, offset, number):
        os.lseek(self._file, offset, os.SEEK_SET)
        self.offset, self.number = offset, number

    def next(self):
        """The next line without its line feed; None at the end."""
        while not self._ready:
            if self._has_ended:
                return None
            self._fill()
        line = self._ready.popleft()
        self.number += 1
        self.offset += len(line) + 1
        return line

    def next_filled(self):
        """The next line that is not blank; None at the end."""
        while True:
            line = self.next()
            if line is None or line.strip():
                return line

    def give_back(self, lines):
        """Takes lines back that were taken last."""
        self._ready.extendleft(reversed(lines))
        self.number -= len(lines)
        self.offset -= sum(len(line) + 1 for line in lines)

    def _fill(self):
        if not select_readable(self._file):
            self._on_pause()
        data = os.read(self._file, 1 << 18)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if not data:
            self._has_ended = True
            if self._rest:
                lines.append(self._rest)
        elif len(self._rest) > _LONGEST_ROW_BYTES:
            raise InputError(f"{self._name}: line {self.number + len(lines) + 1} has more than 1 MiB: is that text?")
        self._ready.extend(lines)


def select_readable(descriptor):
    """True when reading will not wait. Files are always ready, and some systems' selectors do not take them."""
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            return bool(selector.select(0))
    except (OSError, ValueError):
        return True


class _CSVRows:
    """RFC 4180 text with a header: rows as dictionaries of the fields that are not empty."""

    def __init__(self, lines, name, columns, separator, header=None):
        self._lines, self._name, self._separator = lines, name, separator
        if header is None:
            first = lines.next()
            if first is None:
                raise InputError(f"{name} has no header")
            header = first.decode("utf-8-sig", errors="replace").rstrip("\r")
        self.header = header
        try:
            titles = next(csv.reader([header], delimiter=separator, strict=True), [])
        except csv.Error as error:
            raise InputError(f"{name} has a header that is no CSV: {error}") from None
        self._width = len(titles)
        places = self._columns(titles, columns)
        self._fields, self._places = list(places), list(places.values())
        self._is_in_order = self._places == list(range(self._width))

    def _columns(self, titles, columns):
        """The place of each field's column."""
        places = {}
        for field, title in columns.items():
            if titles.count(title) != 1:
                raise UsageError(f"{self._name}: {titles.count(title)} columns are called {title!r}; there are "
                                 + ", ".join(titles))
            places[field] = titles.index(title)
        taken = set(places.values())
        for place, title in enumerate(titles):
            if place in taken:
                continue
            if title in _TEXT_FIELDS and title not in places:
                places[title] = place
            elif not columns:
                near = difflib.get_close_matches(title, _TEXT_FIELDS, 1)
                hint = f", did you mean {near[0]}?" if near else ""
                raise UsageError(f"{self._name}: a column is called {title!r}, which is no field{hint} "
                                 "(--column FIELD=COLUMN says what a file's own columns are, and ignores the others)")
        return places

    def next(self):
        """The next row's first line and fields, or an InvalidRecord instead of the fields; None at the end."""
        line = self._lines.next_filled()
        if line is None:
            return None
        number = self._lines.number
        try:
            cells = self._cells(line)
            if len(cells) != self._width:
                raise InvalidRecord("row", f"has {len(cells)} columns, expected {self._width}")
            if not self._is_in_order:
                cells = [cells[place] for place in self._places]
            if b" " in line or b"\t" in line:
                cells = [cell if field == "id" else cell.strip(" \t") for field, cell in zip(self._fields, cells)]
            return number, {field: cell for field, cell in zip(self._fields, cells) if cell}
        except InvalidRecord as fault:
            return number, fault
        except UnicodeDecodeError:
            return number, InvalidRecord("row", "is not UTF-8")
        except csv.Error as error:
            return number, InvalidRecord("row", str(error))

    def _cells(self, line):
        if b'"' not in line:
            return line.decode().rstrip("\r").split(self._separator)
        more, whole = [], line
        while whole.count(b'"') % 2:
            following = self._lines.next()
            if following is not None:
                more.append(following)
            if following is None or len(whole) + len(following) > _LONGEST_ROW_BYTES:
                self._lines.give_back(more)
                raise InvalidRecord("row", "has a quote that is never closed")
            whole += b"\n" + following
        try:
            text = whole.decode().rstrip("\r")
            return next(csv.reader(io.StringIO(text, newline=""), delimiter=self._separator, strict=True))
        except (csv.Error, UnicodeDecodeError):
            self._lines.give_back(more)
            raise


class _JSONRows:
    """One JSON object on each line."""

    header = None

    def __init__(self, lines, columns):
        self._lines = lines
        self._fields = [(field, columns.get(field, field)) for field in _TEXT_FIELDS]
        self._names = {name for _, name in self._fields}
        self._is_own_form = not columns
        self._decode = json.JSONDecoder(
            object_pairs_hook=_object_without_twins, parse_float=str, parse_int=str, parse_constant=str).decode

    def next(self):
        line = self._lines.next_filled()
        if line is None:
            return None
        number = self._lines.number
        try:
            return number, self._values(self._decode(line.decode()))
        except InvalidRecord as fault:
            return number, fault
        except UnicodeDecodeError:
            return number, InvalidRecord("row", "is not UTF-8")
        except (ValueError, RecursionError) as error:
            return number, InvalidRecord("row", f"is no JSON object: {error}")

    def _values(self, row):
        if not isinstance(row, dict):
            raise InvalidRecord("row", "is no JSON object")
        if self._is_own_form and not self._names.issuperset(row):
            strange = next(key for key in row if key not in self._names)
            raise InvalidRecord("row", f"has the key {_shown(strange)}, which is no field")
        values = {}
        for field, name in self._fields:
            value = row.get(name)
            if value is None or value == "":
                continue
            if isinstance(value, bool):
                value = "true" if value else "false"
            elif not isinstance(value, str):
                raise InvalidRecord(field, "is an object or an array")
            if field != "id":
                value = value.strip(" \t")
            if value:
                values[field] = value
        return values


def _object_without_twins(pairs):
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a key comes twice")
    return row


# ---- The command ---------------------------------------------------------------------------------------------------


class _Place(tuple):
    """What a batch carries to its receipt: the row of each record, and where the file goes on after them."""

    def __new__(cls, rows, offset, number):
        return super().__new__(cls, (rows, offset, number))


class _Tally:
    """What became of the rows so far, told by the reader of the file and by the client's thread."""

    SHOWN = 20

    def __init__(self, rejects, prefix=""):
        self.rows = self.accepted = self.duplicates = self.conflicts = self.rejected = 0
        self.prefix = prefix
        self._rejects, self._named = rejects, 0
        self._lock = threading.Lock()
        # The receipted end of the file: bytes and lines.
        self.offset = self.number = 0

    @property
    def receipted(self):
        return self.accepted + self.duplicates + self.conflicts + self.rejected

    def take(self, result):
        with self._lock:
            self.accepted += result.accepted
            self.duplicates += result.duplicates
            self.conflicts += result.conflicts
            self.rejected += result.rejected
            rows, self.offset, self.number = result.tag
            for exception in result.exceptions:
                self._name(rows[exception.index], exception.field, REASONS[exception.reason])

    def reject(self, row, fault):
        with self._lock:
            self.rejected += 1
            self._name(row, fault.field, fault.message)

    def _name(self, row, field, reason):
        self._named += 1
        if self._rejects is not None:
            self._rejects.writerow((row, field, reason))
        elif self._named <= self.SHOWN:
            _say(f"{self.prefix}row {row}: {field}: {reason}")
        elif self._named == self.SHOWN + 1:
            _say("and more; --rejects FILE takes all of them")

    @property
    def counts(self):
        return {"rows": self.rows, "accepted": self.accepted, "duplicates": self.duplicates, "conflicts": self.conflicts,
                "rejected": self.rejected}


_terminal_line = threading.Lock()
_is_line_drawn = False


def _say(text):
    """A message to people, above whatever line of progress there is."""
    global _is_line_drawn
    with _terminal_line:
        print("\r\x1b[K" + text if _is_line_drawn else text, file=sys.stderr)
        _is_line_drawn = False


class _Progress:
    """A line on the terminal while there is much to do."""

    def __init__(self, tally, size):
        self._tally, self._size, self._start = tally, size, time.monotonic()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.position = 0

    def __enter__(self):
        if sys.stderr.isatty():
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self):
        global _is_line_drawn
        while not self._is_over.wait(0.2):
            rows = self._tally.rows
            rate = rows / (time.monotonic() - self._start)
            part = f" ({100 * self.position // self._size} %)" if self._size else ""
            with _terminal_line:
                print(f"\r\x1b[K{rows:,} rows{part}, {rate:,.0f} a second, {self._tally.receipted:,} answered", end="",
                      file=sys.stderr, flush=True)
                _is_line_drawn = True
        with _terminal_line:
            if _is_line_drawn:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
                _is_line_drawn = False


class _Bookmark:
    """How far a file was receipted, kept in a file of its own, so that a run after a crash need not begin at row 1.

    It is only ever behind the truth, as it is written after the receipts; what it does not know of yet comes back as
    duplicates. It holds for the ledger and the very bytes that it was made for: their SHA-256 is compared.
    """

    SECONDS_BETWEEN = 0.25

    def __init__(self, path, name, options):
        self._path, self._name, self._options = path, name, options
        self._hash, self._hashed = hashlib.sha256(), 0
        self._file = open(name, "rb")
        self._written = time.monotonic()
        self.kept = None
        try:
            with open(path, encoding="utf-8") as kept:
                self.kept = json.load(kept)
            self.kept["offset"], self.kept["line"], self.kept["header"]
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError):
            raise UsageError(f"{path} is no file that --resume wrote") from None

    def holds(self, ledger):
        """True when the bookmark is one of this ledger, file and options."""
        kept = self.kept
        return (kept is not None and kept.get("ledger") == f"{ledger:016x}" and kept.get("options") == self._options
                and self._digest(kept["offset"]) == kept.get("sha256"))

    def _digest(self, offset):
        """Of the bytes up to there; nil-padded reads are none, so a shorter file has none."""
        while self._hashed < offset:
            data = self._file.read(min(1 << 20, offset - self._hashed))
            if not data:
                return None
            self._hash.update(data)
            self._hashed += len(data)
        return self._hash.hexdigest()

    def is_due(self):
        return time.monotonic() - self._written >= self.SECONDS_BETWEEN

    def write(self, ledger, header, offset, number):
        self._written = time.monotonic()
        offset = min(offset, os.fstat(self._file.fileno()).st_size)
        if offset < self._hashed or not offset:
            return
        kept = {"file": self._name, "ledger": f"{ledger:016x}", "offset": offset, "line": number, "header": header,
                "sha256": self._digest(offset), "options": self._options}
        with open(self._path + ".new", "w", encoding="utf-8") as file:
            json.dump(kept, file)
        os.replace(self._path + ".new", self._path)


class _Sending:
    """One file on its way into a client."""

    def __init__(self, client, tally, arguments, name):
        self._client, self._tally, self._arguments, self._name = client, tally, arguments, name
        self._rows, self._records = array.array("Q"), []
        self._lines = self._bookmark = self._header = None

    def send(self):
        descriptor = sys.stdin.fileno() if self._name == "-" else _opened(self._name)
        try:
            size = os.fstat(descriptor).st_size if self._name != "-" else 0
            with _Progress(self._tally, size) as progress:
                if _format(self._arguments, self._name) == "raw":
                    self._send_raw(descriptor, progress)
                else:
                    self._send_text(descriptor, progress)
                self._client.flush()
                self.keep_place()
        finally:
            if self._name != "-":
                os.close(descriptor)

    def keep_place(self):
        """Writes down how far the file is receipted."""
        if self._bookmark is not None:
            self._bookmark.write(self._client.ledger, self._header, self._tally.offset, self._tally.number)

    def _opened_bookmark(self):
        """Where to begin: bytes, lines and the header that were read before."""
        if not self._arguments.resume:
            return None
        options = [_format(self._arguments, self._name), self._arguments.source, self._arguments.column, self._arguments.set,
                   self._arguments.time_zone, self._arguments.separator]
        self._bookmark = _Bookmark(self._arguments.resume, self._name, json.loads(json.dumps(options)))
        if self._bookmark.holds(self._client.ledger):
            kept = self._bookmark.kept
            _say(f"{self._name}: going on after line {kept['line']:,}, up to which all is receipted")
            self._tally.offset, self._tally.number, self._header = kept["offset"], kept["line"], kept["header"]
            return kept
        if self._bookmark.kept is not None:
            _say(f"{self._arguments.resume} is of another file, ledger or way of reading: beginning at row 1")
            self._bookmark = _Bookmark(self._arguments.resume, self._name, self._bookmark._options)
        return None

    def _send_text(self, descriptor, progress):
        arguments, tally = self._arguments, self._tally
        lines = self._lines = _Lines(descriptor, self._name, self._submit)
        kept = self._opened_bookmark()
        if kept is not None:
            lines.skip_to(kept["offset"], kept["line"])
        if _format(arguments, self._name) == "csv":
            rows = _CSVRows(lines, self._name, arguments.columns, arguments.separator, self._header)
        else:
            rows = _JSONRows(lines, arguments.columns)
        self._header = rows.header
        text = RecordText(_sources(arguments), arguments.zone)
        constants, most = arguments.constants, self._client.records_per_batch
        while (row := rows.next()) is not None:
            number, values = row
            tally.rows += 1
            if isinstance(values, InvalidRecord):
                tally.reject(number, values)
                continue
            for field, constant in constants:
                values.setdefault(field, constant)
            try:
                self._records.append(text.record(values))
            except InvalidRecord as fault:
                tally.reject(number, fault)
                continue
            self._rows.append(number)
            if len(self._records) == most:
                self._submit()
                progress.position = lines.offset
        self._submit()

    def _submit(self):
        """Sends what was read up to now."""
        if self._records:
            place = _Place(self._rows, self._lines.offset, self._lines.number)
            self._client.send(self._records, place)
            self._rows, self._records = array.array("Q"), []
        if self._bookmark is not None and self._bookmark.is_due():
            self.keep_place()

    def _send_raw(self, descriptor, progress):
        offset = 0
        kept = self._opened_bookmark()
        if kept is not None:
            offset = kept["offset"]
            os.lseek(descriptor, offset, os.SEEK_SET)
        most = self._client.records_per_batch * RECORD_BYTES
        rest = b""
        while data := os.read(descriptor, most - len(rest)):
            data = rest + data
            whole = len(data) - len(data) % RECORD_BYTES
            rest = data[whole:]
            if not whole:
                continue
            first = offset // RECORD_BYTES + 1
            offset += whole
            count = whole // RECORD_BYTES
            self._tally.rows += count
            place = _Place(range(first, first + count), offset, first + count - 1)
            self._client.send_raw(data[:whole], place)
            progress.position = offset
            if self._bookmark is not None and self._bookmark.is_due():
                self.keep_place()
        if rest:
            raise InputError(f"{self._name} ends inside a record: {len(rest)} bytes are left over")


def _opened(name):
    try:
        return os.open(name, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}") from None


_FORMATS = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".raw": "raw", ".bin": "raw"}


def _format(arguments, name):
    found = arguments.format or _FORMATS.get(os.path.splitext(name)[1].lower())
    if found is None:
        raise UsageError(f"what is in {'standard input' if name == '-' else name}? Say --format csv, ndjson or raw")
    return found


_EXAMPLES = """\
The fields of a row are those of docs/mapping.md, in the product's own form: columns (CSV) or keys (NDJSON) called id, time,
amount, currency, source, kind, event, step, outcome, channel, payer, payer_institution, payee, payee_institution, service,
region, duration, overdue, test. Only id, time, amount and currency must be there. Values of digits alone are codes, others
names ("name:5411" for a name of digits). raw is records of 64 bytes.

examples:
  python3 sluice.py send --to 127.0.0.1:7501 --source shop payments.csv
  python3 sluice.py send --to 127.0.0.1:7501 --source shop --set currency=VND \\
      --column id=order --column time=paid_at --column amount=total orders.csv
  tail -f events.ndjson | python3 sluice.py send --to 127.0.0.1:7501 --source shop --format ndjson -
  python3 sluice.py send --to 127.0.0.1:7501 --source shop --resume day.place day.csv   # goes on where it was killed
  SLUICE_TOKEN=... python3 sluice.py send --to pay.example:7502 --tls --ca ca.pem --source shop payments.csv

exit codes:
  0   every row is in the ledger, durably
  1   done, but some rows were rejected or in conflict
  64  the command's words are off, or name what is not there
  65  a file that cannot be read as what it is said to be
  69  the daemon cannot be reached, or stayed away
  74  the daemon or this machine failed to write or read
  76  the two do not understand each other
  77  the daemon does not let this client in
  130, 143  interrupted; running it again doubles nothing
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UsageError(f"{message} ({self.prog} --help)")


def _arguments(words):
    parser = _Parser(
        prog="sluice.py", description="Streams transactions into a Sluice daemon.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="'sluice.py send --help' has examples. As a library: pydoc3 ./sluice.py")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    send = commands.add_parser(
        "send", help="send files", description="Sends files to a daemon, each record once, and tells what became of the rows.",
        formatter_class=argparse.RawDescriptionHelpFormatter, epilog=_EXAMPLES)
    send.add_argument("file", nargs="+", metavar="FILE", help="a file, or - for standard input")
    send.add_argument("--to", required=True, metavar="HOST:PORT", help="where the daemon takes streams")
    send.add_argument("--source", action="append", default=[], metavar="NAME",
                      help="the gateway that the rows come from, by name or code; several when rows have a source of their own")
    send.add_argument("--format", choices=("csv", "ndjson", "raw"), help="by the file's name when absent")
    send.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="of rows that have no such value")
    send.add_argument("--column", action="append", default=[], metavar="FIELD=COLUMN",
                      help="where a field is, when not under its own name; other columns are ignored then")
    send.add_argument("--separator", default=",", metavar="C", help="between the columns of CSV (default: a comma)")
    send.add_argument("--time-zone", metavar="ZONE", help="of times without an offset, such as Asia/Ho_Chi_Minh (default: UTC)")
    send.add_argument("--rejects", metavar="FILE", help="takes row, field and reason of all that was not accepted, as CSV")
    send.add_argument("--resume", metavar="FILE", help="keeps there how far the input is receipted, and goes on from it")
    send.add_argument("--json", action="store_true", help="the counts as one JSON object")
    send.add_argument("--patience", type=float, default=60.0, metavar="SECONDS",
                      help="how long a lost daemon is waited for (default: 60)")
    send.add_argument("--tls", action="store_true", help="speak TLS")
    send.add_argument("--ca", metavar="FILE", help="the certificate authority of the daemon, PEM (default: the system's)")
    send.add_argument("--cert", metavar="FILE", help="this client's certificate, PEM")
    send.add_argument("--key", metavar="FILE", help="the key of --cert, PEM (default: in the same file)")
    send.add_argument("--token-file", metavar="FILE", help="holds the token; or the environment's SLUICE_TOKEN")
    arguments = parser.parse_args(words)
    _check(arguments)
    return arguments


def _check(arguments):
    if not arguments.tls and (arguments.ca or arguments.cert or arguments.key):
        raise UsageError("--ca, --cert and --key go with --tls")
    if len(arguments.separator.encode()) != 1:
        raise UsageError("--separator: expected one ASCII character")
    if arguments.resume and (len(arguments.file) > 1 or arguments.file == ["-"]):
        raise UsageError("--resume goes with one file that is no pipe")
    arguments.constants = list(_pairs("--set", arguments.set).items())
    arguments.columns = _pairs("--column", arguments.column)
    arguments.zone = datetime.timezone.utc
    if arguments.time_zone:
        import zoneinfo  # Only here: it is slow to load.

        try:
            arguments.zone = zoneinfo.ZoneInfo(arguments.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise UsageError(f"--time-zone {arguments.time_zone}: no such zone") from None


def _pairs(option, words):
    pairs = {}
    for word in words:
        field, separator, value = word.partition("=")
        if not separator or field not in _TEXT_FIELDS or not value:
            near = difflib.get_close_matches(field, _TEXT_FIELDS, 1)
            hint = f" (did you mean {near[0]}?)" if near and near[0] != field else ""
            raise UsageError(f"{option} {word}: expected a field, = and a value{hint}")
        pairs[field] = value
    return pairs


def _tls_context(arguments):
    if not arguments.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=arguments.ca)
        if arguments.cert:
            context.load_cert_chain(arguments.cert, arguments.key)
        return context
    except (OSError, ssl.SSLError) as error:
        named = " and ".join(path for path in (arguments.ca, arguments.cert, arguments.key) if path)
        raise UsageError(f"cannot use the certificates of {named or 'this system'}: {error}") from None


def _token(arguments):
    if arguments.token_file:
        try:
            with open(arguments.token_file, encoding="ascii") as file:
                return file.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {arguments.token_file}: {error}") from None
    return os.environ.get("SLUICE_TOKEN") or None


def _sources(arguments):
    return [_read_name("source", 0x7FFF, source) for source in arguments.source]


class _Interrupted(BaseException):
    def __init__(self, number):
        super().__init__()
        self.number = number


def _interrupt(number, _):
    raise _Interrupted(number)


def _send(arguments):
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    for name in arguments.file:
        _format(arguments, name)
        if name != "-":
            os.close(_opened(name))
    rejects = None
    if arguments.rejects:
        appends = arguments.resume and os.path.exists(arguments.resume)
        rejects = open(arguments.rejects, "a" if appends else "w", encoding="utf-8", newline="", buffering=1)
    tally = _Tally(csv.writer(rejects) if rejects else None)
    if rejects and not rejects.tell():
        rejects.write("row,field,reason\r\n")
    start = time.monotonic()
    client = Client(
        arguments.to, _sources(arguments), name="sluice.py",
        on_result=tally.take, patience=arguments.patience, tls=_tls_context(arguments), token=_token(arguments))
    sending = None
    try:
        for name in arguments.file:
            tally.prefix = f"{name}: " if len(arguments.file) > 1 else ""
            sending = _Sending(client, tally, arguments, name)
            sending.send()
        client.finish()
    except BaseException:
        client.close()
        if sending is not None:
            sending.keep_place()
        _summarise(tally, time.monotonic() - start, arguments.json)
        raise
    finally:
        if rejects:
            rejects.close()
    _summarise(tally, time.monotonic() - start, arguments.json)
    return 1 if tally.conflicts + tally.rejected else 0


def _summarise(tally, seconds, as_json):
    if as_json:
        print(json.dumps({**tally.counts, "seconds": round(seconds, 3)}))
        return
    print(f"{tally.rows:,} row{'' if tally.rows == 1 else 's'} in {seconds:.2f} s ({tally.rows / max(seconds, 1e-9):,.0f} a second): "
          f"{tally.accepted:,} accepted, {tally.duplicates:,} duplicates, {tally.conflicts:,} conflicts, "
          f"{tally.rejected:,} rejected")
    if tally.receipted < tally.rows:
        print(f"{tally.rows - tally.receipted:,} rows have no receipt; send the file again, nothing is doubled by it")


def main(words=None):
    """Runs the command; its exit code."""
    handler = logging.StreamHandler()
    handler.emit = lambda record: _say(record.getMessage())
    _LOG.addHandler(handler)
    _LOG.propagate = False
    try:
        return _send(_arguments(words))
    except _Interrupted as interruption:
        return 128 + interruption.number
    except (UsageError, InputError, ClientError, OSError, ValueError) as error:
        _say(f"error: {error}")
        return _exit_code(error)


def _exit_code(error):
    if isinstance(error, ServerError):
        return 77 if error.code == 15 else 76
    for kinds, code in (
            (InputError, 65), ((CannotConnect, Lost, Closed), 69), ((WrongAnswer, OtherLedger), 76),
            ((ClientError, OSError), 74)):
        if isinstance(error, kinds):
            return code
    return 64


if __name__ == "__main__":
    sys.exit(main())
