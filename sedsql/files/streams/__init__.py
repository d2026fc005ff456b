"""Write an answer into a pipe while it is computed: Arrow batches in, the bytes of a format out.

Nothing waits for the whole answer, so memory is bounded by a batch. FITS alone keeps its rows in a temporary
file first, because its header says how many there are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import pyarrow as pa

from sedsql.errors import did_you_mean
from sedsql.files.errors import TableError
from sedsql.files.streams.limited import Limited


class Output(Protocol):
    """What bytes are written to: a pipe, a socket or a file; it need not seek."""

    def write(self, data: bytes | memoryview, /) -> object: ...


@dataclass(frozen=True)
class StreamFormat:
    """A format that answers are written in.

    name : in FORMATS
    mime : what Content-Type says
    ending : of the names of files, with its dot
    aliases : what RESPONSEFORMAT may call it besides (DALI 1.1, Section 3.4.3), in lower case, without blanks
    """

    name: str
    mime: str
    ending: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """How many rows were written, and whether there were more (TAP 1.1, Section 2.7.4)."""

    rows: int
    overflow: bool


_VOTABLE = "application/x-votable+xml"
_TABLEDATA = ("votable/td", "votabletd", f"{_VOTABLE};serialization=tabledata", "text/xml;serialization=tabledata")

FORMATS: dict[str, StreamFormat] = {
    one.name: one
    for one in (
        StreamFormat(
            "votable",
            f"{_VOTABLE};serialization=BINARY2",
            ".vot",
            (_VOTABLE, "text/xml", "application/xml", "votable/b2", "votableb2", "votable/binary2", "votable_plain"),
        ),
        StreamFormat(
            "votable-binary",
            f"{_VOTABLE};serialization=BINARY",
            ".vot",
            ("votable/b", "votableb", "votable/binary"),
        ),
        StreamFormat("votable-td", f"{_VOTABLE};serialization=TABLEDATA", ".vot", _TABLEDATA),
        StreamFormat("csv", "text/csv;header=present", ".csv", ("text/csv",)),
        StreamFormat("tsv", "text/tab-separated-values", ".tsv"),
        StreamFormat("fits", "application/fits", ".fits", ("image/fits",)),
        StreamFormat("json", "application/json", ".json"),
        StreamFormat("parquet", "application/vnd.apache.parquet", ".parquet", ("application/x-parquet",)),
        StreamFormat("arrow", "application/vnd.apache.arrow.stream", ".arrows", ("arrows",)),
    )
}
"""By name; the first is the default of a TAP service."""

_CALLED = {word.lower(): one for one in FORMATS.values() for word in (one.name, one.mime, *one.aliases)}

_OF_NO_MATTER = ("charset=", "header=present")
"""Parameters of MIME types that say what is so anyway."""

_MODULES = {"votable-binary": "votable", "votable-td": "votable", "csv": "delimited", "tsv": "delimited"}
"""Where a format is written, if not in the module of its name."""


def stream_format(text: str) -> StreamFormat:
    """Find the format that RESPONSEFORMAT calls by this word or MIME type; TableError where there is none.

    >>> stream_format("application/x-votable+xml; serialization=TABLEDATA").name
    'votable-td'
    >>> stream_format("CSV").mime
    'text/csv;header=present'
    """
    kind, *parameters = ["".join(part.split()).replace('"', "") for part in text.lower().split(";")]
    parameters = [part for part in parameters if part and not part.startswith(_OF_NO_MATTER)]
    found = _CALLED.get(";".join([kind, *parameters]))
    if found is None:
        raise TableError(f"No format is called {text[:80]!r}; {did_you_mean(kind, FORMATS)}")
    return found


def write_stream(
    file: Output,
    format: StreamFormat,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    *,
    maxrec: int | None = None,
    infos: Mapping[str, str] | None = None,
) -> Written:
    """Write an answer, as its batches come.

    The metadata `unit`, `ucd`, `description`, `xtype` and `arraysize` of the schema's fields go where the format has a
    place for them.

    Parameters
    ----------
    maxrec : the most rows to write; where there are more, a VOTable says OVERFLOW. With 0 no batch is asked for, and
        that is an overflow too (DALI 1.1, Section 3.4.4)
    infos : what else the answer says of itself, such as the query: INFO elements of a VOTable, cards of FITS,
        metadata of Parquet and Arrow

    Raises
    ------
    TableError
        Where the format cannot hold the schema, before the first byte, or a value.
    Exception
        What `batches` raises. Of its first batch, that is before the first byte. Later a VOTable says
        QUERY_STATUS=ERROR after its rows, and every other format is cut off, so that no reader takes it for whole; of
        FITS nothing is written.
    """
    module = import_module(f"{__name__}.{_MODULES.get(format.name, format.name)}")
    rows = Limited(batches, maxrec)
    module.write(file, format.name, schema, rows, dict(infos or {}))
    return Written(rows.count, rows.overflow)
