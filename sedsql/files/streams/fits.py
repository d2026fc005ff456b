"""Write binary tables of FITS (FITS 4.0, Section 7.3).

The header comes first and says how many rows there are, and how long the longest text is. So the rows first go to a
temporary file without a name, in the folder that TMPDIR says; the first byte comes after the last row is computed.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from tempfile import TemporaryFile
from typing import BinaryIO

import pyarrow as pa
from astropy.io.fits import Header

from sedsql.files.errors import TableError
from sedsql.files.fits_tables import card, provenance_cards
from sedsql.files.provenance import provenance_of
from sedsql.files.streams.fits_columns import FitsColumn
from sedsql.files.streams.limited import Limited
from sedsql.files.streams.packed import packed
from sedsql.files.streams.sink import sink

_BLOCK = 2880
_MOST_COLUMNS = 999
_MOST_COMMENT = 10_000
"""Letters of an info, such as the query."""
_MOST_BYTES = 1 << 34
"""Of a table: each text is padded to the longest of its column, which may be long as a book."""

_WORDS = {"unit": "TUNIT", "ucd": "TUCD", "xtype": "TXTYP", "description": "TCOMM"}


def write(file, format: str, schema: pa.Schema, batches: Limited, infos: Mapping[str, str]) -> None:
    """Write an empty primary HDU, and the table as the first extension.

    TUNITn and TNULLn describe the columns, and as TOPCAT has them TUCDn, TXTYPn and TCOMMn.
    """
    if len(schema) > _MOST_COLUMNS:
        raise TableError(
            f"The answer has {len(schema):,} columns, and FITS holds {_MOST_COLUMNS}; select fewer, or ask for VOTable."
        )
    if twice := next((name for name in schema.names if schema.names.count(name) > 1), None):
        raise TableError(
            f"Two columns are called {twice}, and readers of FITS take one; name them with AS, or ask for VOTable."
        )
    columns = [FitsColumn(one) for one in schema]
    with TemporaryFile(prefix="sedsql-") as kept:
        _keep(kept, columns, batches)
        heap = sum(column.heap for column in columns)
        for column in columns:
            column.settle(heap)
        _refuse_padding(columns, batches.count)
        about = {**provenance_cards(provenance_of(schema)), **({"OVERFLOW": True} if batches.overflow else {})}
        file.write(_primary())
        file.write(_header(columns, batches.count, heap, about, infos))
        size = 0
        for block in chain(_table(kept, columns), _heap(kept, columns)):
            size += len(block)
            file.write(block)
        file.write(b"\0" * (-size % _BLOCK))


def _keep(kept: BinaryIO, columns: Sequence[FitsColumn], batches: Limited) -> None:
    writer = None
    with sink(kept) as target:
        for piece in batches.pieces():
            values = [column.take(one) for column, one in zip(columns, piece.columns, strict=True)]
            batch = pa.RecordBatch.from_arrays(values, names=[str(k) for k in range(len(values))])
            writer = writer or pa.ipc.new_stream(target, batch.schema)
            writer.write_batch(batch)
        if writer is not None:
            writer.close()


def _kept(kept: BinaryIO) -> Iterator[pa.RecordBatch]:
    if kept.tell():
        kept.seek(0)
        yield from pa.ipc.open_stream(kept)


def _refuse_padding(columns: Sequence[FitsColumn], rows: int) -> None:
    size = rows * sum(column.width for column in columns)
    if size > _MOST_BYTES:
        widest = max(columns, key=lambda column: column.width)
        raise TableError(
            f"The answer would have {size / 1e9:,.0f} GB as FITS, which pads {widest.field.name} to "
            f"{widest.width:,} letters in each row; ask for VOTable or Parquet."
        )


def _table(kept: BinaryIO, columns: Sequence[FitsColumn]) -> Iterator[memoryview]:
    place = 0
    for piece in _kept(kept):
        row = []
        for column, values in zip(columns, piece.columns, strict=True):
            cells, size = column.cells(values, place)
            row.append(cells)
            place += size
        yield packed(row, piece.num_rows, masked=False).data


def _heap(kept: BinaryIO, columns: Sequence[FitsColumn]) -> Iterator[memoryview]:
    """The items of lists, in the order of the pieces, then of the columns, as the descriptors count on."""
    ragged = [k for k, column in enumerate(columns) if column.is_ragged]
    for piece in _kept(kept) if ragged else ():
        for k in ragged:
            yield columns[k].items(piece.columns[k]).view("u1").data


def _primary() -> bytes:
    return _block({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "EXTEND": True})


def _header(
    columns: Sequence[FitsColumn], rows: int, heap: int, about: Mapping[str, object], infos: Mapping[str, str]
) -> bytes:
    cards: dict[str, object] = {
        **{"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": sum(column.width for column in columns)},
        **{"NAXIS2": rows, "PCOUNT": heap, "GCOUNT": 1, "TFIELDS": len(columns)},
    }
    for k, column in enumerate(columns, 1):
        field = column.field
        cards |= {f"TTYPE{k}": card(field.name), f"TFORM{k}": column.form}
        cards |= {} if field.null is None else {f"TNULL{k}": field.null}
        cards |= {f"{word}{k}": card(field.about[key]) for key, word in _WORDS.items() if key in field.about}
    return _block({**cards, **about}, [card(_shortened(f"{name}: {value}")) for name, value in infos.items()])


def _shortened(text: str) -> str:
    """The beginning of a long text: a card holds 72 letters, and astropy takes minutes for a list of a million."""
    return text if len(text) <= _MOST_COMMENT else f"{text[:_MOST_COMMENT]}..."


def _block(cards: Mapping[str, object], comments: Sequence[str] = ()) -> bytes:
    header = Header()
    for name, value in cards.items():
        header[name] = value
    for comment in comments:
        header["COMMENT"] = comment
    return header.tostring().encode("ascii")
