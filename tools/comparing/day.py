"""The records of the day as columns, and what a store that takes each of them once must come to."""

import dataclasses
import importlib.machinery
import importlib.util
import pathlib


def _load_recount():
    path = str(pathlib.Path(__file__).resolve().parent.parent / "recount")
    loader = importlib.machinery.SourceFileLoader("recount", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("recount", loader))
    loader.exec_module(module)
    return module


recount = _load_recount()
np = recount.np

# Names and widths in bits of the columns that every peer gets, in this order; "id" and "time" have types of their own.
# `payer` is the 48-bit token, `duration` is packed as in the record, and `kind`, `event` and `step` are part of the
# identity (docs/architecture.md). The columns are ordered so that PostgreSQL, which aligns them, wastes no space.
COLUMNS = {
    "id": 128, "time": 64, "amount": 64, "payer": 64, "payee": 32, "service": 32, "duration": 32,
    "payer_institution": 16, "payee_institution": 16, "source": 16, "region": 16, "currency": 16,
    "kind": 8, "event": 8, "step": 8, "outcome": 8, "channel": 8, "overdue": 1, "test": 1,
}
KEY = ("id", "source", "kind", "event", "step")
PIECE = 1 << 19


def column(records, name):
    """A column as integers of a signed type of its width; "id" as its 16 bytes."""
    if name == "id":
        halves = np.empty((len(records), 2), "<u8")
        halves[:, 0], halves[:, 1] = records["id_low"], records["id_high"]
        return halves.view("V16").reshape(-1)
    if name == "payer":
        return records["payer_low"].astype("<i8") | records["payer_high"].astype("<i8") << 32
    if name in ("kind", "event"):
        return (records["kind_event"] & 15 if name == "kind" else records["kind_event"] >> 4).astype("i1")
    if name == "step":
        return (records["flags"] >> 4).astype("i1")
    if name in ("overdue", "test"):
        flag = recount.OVERDUE_FLAG if name == "overdue" else recount.TEST_FLAG
        return (records["flags"] & flag) != 0
    return records[name].astype(f"<i{COLUMNS[name] // 8}")


def pieces(path, first=None):
    """The records of a file of raw records in pieces, up to the `first` ones."""
    records = recount.read_records([path])[:first]
    for start in range(0, len(records), PIECE):
        yield records[start:start + PIECE]


@dataclasses.dataclass
class Totals:
    """Rows and the sum of all amounts: what a store must hold."""

    rows: int
    amount: int


def totals(path):
    """Totals of all records of the file, those of what a store accepts which takes each identity once, and its payers."""
    records = recount.read_records([path])
    is_first = recount.deduplicate(records)[0]
    # Returned with them because finding the first of each identity takes longest.
    payers = distinct_payers(records[is_first])
    return (Totals(len(records), int(records["amount"].sum())),
            Totals(int(np.count_nonzero(is_first)), int(records["amount"][is_first].sum())), payers)


def distinct_payers(records):
    """Cells of the distinct payers of attempts by region."""
    event = records["kind_event"] >> 4
    counted = ((event == recount.INITIATED) | (event == recount.AUTHORISED)) & (records["flags"] & recount.TEST_FLAG == 0)
    counted &= (records["payer_low"] != 0) | (records["payer_high"] != 0)
    records = records[counted]
    pairs = np.unique(records["region"].astype("<i8") << 48 | column(records, "payer"))
    return {(int(region),): (int(count),) for region, count in zip(*np.unique(pairs >> 48, return_counts=True))}
