"""Writes the records of the day in the form that each peer takes fastest. None of this is timed."""

import itertools
import uuid

from comparing.day import COLUMNS, column, np, pieces, recount
from comparing.questions import CELL_DIMENSIONS, CELL_MEASURES


def parquet(raw, path, first=None):
    """Parquet with LZ4, in row groups of the size that DuckDB stores."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    writer = None
    for records in pieces(raw, first):
        table = _arrow_table(pa, records)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="lz4")
        writer.write_table(table, row_group_size=122_880)
    writer.close()


def _arrow_table(pa, records):
    columns = {}
    for name in COLUMNS:
        values = column(records, name)
        if name == "id":
            plain = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(16), len(values), [None, pa.py_buffer(values.tobytes())])
            columns[name] = pa.ExtensionArray.from_storage(pa.uuid(), plain)
        else:
            columns[name] = pa.array(values.astype("datetime64[us]") if name == "time" else values)
    return _without_nulls(pa, columns)


def _without_nulls(pa, columns):
    """A table that says that no value is missing."""
    fields = [pa.field(name, values.type, nullable=False) for name, values in columns.items()]
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def csv(raw, path, first=None):
    """Text with a header; the id as a UUID, the time with microseconds, truth as true and false, the rest as numbers."""
    import pyarrow as pa
    import pyarrow.csv
    with open(path, "wb") as file:
        writer = None
        for records in pieces(raw, first):
            table = _arrow_table(pa, records)
            ids = pa.array([str(uuid.UUID(bytes=value)) for value in table["id"].combine_chunks().storage.to_pylist()])
            table = table.set_column(0, "id", ids)
            writer = writer or pyarrow.csv.CSVWriter(
                file, table.schema, write_options=pyarrow.csv.WriteOptions(quoting_style="none"))
            writer.write_table(table)
        writer.close()


def row_binary(raw, path, first=None):
    """ClickHouse's RowBinary: little-endian values one after the other, a UUID as two halves."""
    layout = np.dtype([("high", "<u8"), ("low", "<u8")] + [
        (name, "u1" if bits == 1 else f"<i{bits // 8}") for name, bits in COLUMNS.items() if name != "id"])
    with open(path, "wb") as file:
        for records in pieces(raw, first):
            rows = np.empty(len(records), layout)
            halves = column(records, "id").view(">u8").reshape(-1, 2)
            rows["high"], rows["low"] = halves[:, 0], halves[:, 1]
            for name in COLUMNS:
                if name != "id":
                    rows[name] = column(records, name)
            rows.tofile(file)


# Between 1970 and 2000, where PostgreSQL counts from.
POSTGRESQL_EPOCH_MICROSECONDS = 946_684_800_000_000


def postgresql_binary(raw, path, first=None):
    """PostgreSQL's COPY in binary: each value big-endian after its length. Its smallest integer has 16 bits."""
    fields = [("count", ">i2")]
    for name, bits in COLUMNS.items():
        width = 1 if bits == 1 else max(2, bits // 8)
        fields += [(name + " length", ">i4"), (name, "V16" if name == "id" else "u1" if width == 1 else f">i{width}")]
    layout = np.dtype(fields)
    with open(path, "wb") as file:
        file.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for records in pieces(raw, first):
            rows = np.empty(len(records), layout)
            rows["count"] = len(COLUMNS)
            for name in COLUMNS:
                rows[name + " length"] = layout[name].itemsize
                values = column(records, name)
                if name == "time":
                    values = values - POSTGRESQL_EPOCH_MICROSECONDS
                rows[name] = values
            rows.tofile(file)
        file.write(b"\xff\xff")


def head(path, size, target):
    """The first bytes of a file as a file of its own."""
    with open(path, "rb") as source, open(target, "wb") as file:
        while size:
            piece = source.read(min(size, 1 << 22))
            if not piece:
                raise EOFError(path)
            file.write(piece)
            size -= len(piece)


def head_of_lines(path, count, target):
    """The first lines of a file as a file of its own."""
    with open(path, "rb") as source, open(target, "wb") as file:
        file.writelines(itertools.islice(source, count))


def cells(printed, csv_path, parquet_path):
    """The year's cells from what `sluice daily --format csv --codes` printed, all as codes. Returns how many."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq
    names = {"kind": {name: code for code, name in recount.KINDS.items()}, "service": {"none": 0},
             "channel": {name: code for code, name in enumerate(recount.CHANNELS)}}
    table = pyarrow.csv.read_csv(pa.BufferReader(printed.encode()), convert_options=pyarrow.csv.ConvertOptions(
        column_types={name: pa.dictionary(pa.int32(), pa.string()) for name in names}))
    columns = {}
    for name in CELL_DIMENSIONS + CELL_MEASURES:
        values = table[name].combine_chunks()
        if name in names:
            codes = [names[name][text] if text in names[name] else int(text) for text in values.dictionary.to_pylist()]
            values = pa.array(codes, pa.int32()).take(values.indices)
        columns[name] = values
    table = _without_nulls(pa, columns)
    pq.write_table(table, parquet_path, compression="lz4", row_group_size=122_880)
    pyarrow.csv.write_csv(table, csv_path)
    return table.num_rows
