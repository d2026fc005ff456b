"""Read a VOTable that a TAP service sent, and find out whether it is whole (VOTable 1.4, DALI 1.1)."""

import binascii
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa

from sedsql.tap.binary import Rows
from sedsql.tap.errors import Damaged, Reported, TapError, TooLarge, Unbounded
from sedsql.tap.fields import Field, bytes_of_row, column, field_of, schema_of
from sedsql.tap.limits import LIMITS, Limits, Room
from sedsql.tap.tabledata import Cells
from sedsql.tap.xmltext import NoXML, Parser, size

_BLOCK = 1 << 20
_BLANKS = bytes.maketrans(b"", b""), b" \t\r\n"


@dataclass(frozen=True)
class Answer:
    """A table, and whether the service cut it at its limit of rows (TAP 1.1, Section 2.7.4)."""

    table: pa.Table
    overflow: bool


def read(
    blocks: Iterable[bytes], room: Room | None = None, limits: Limits = LIMITS, *, is_answer: bool = True
) -> Answer:
    """Read the first table of the results in a VOTable, from its bytes as they come.

    is_answer : whether it must say that a query went well, as an answer does and a table that a user sends does not

    Arrow's fields have unit, UCD, description and xtype as metadata. Damaged where anything is missing or wrong,
    Reported where it is the service's error message, Unbounded or TooLarge where it is more than `room` and `limits`
    allow.
    """
    document = _Document(limits, room or Room())
    try:
        for block in blocks:
            document.feed(block)
        document.feed(b"", last=True)
    except NoXML:
        if not document.path and not document.seen:
            raise Damaged("The answer is no VOTable but text or HTML.") from None
        raise
    return document.answer(is_answer)


def message(text: bytes, limits: Limits = LIMITS) -> str | None:
    """Find the error message in a VOTable, such as an HTTP answer that is no success; None where there is none.

    text : the VOTable, or only its beginning
    """
    document = _Document(limits, Room(rows=0))
    with suppress(TapError):
        document.feed(text, last=True)
    try:
        document.raise_if_error()
    except Reported as error:
        return error.message
    return None


class _Document:
    """The elements of a VOTable as they come."""

    def __init__(self, limits: Limits, room: Room):
        self.limits, self.room = limits, room
        self.path: list[str] = []
        self.seen = False
        self.statuses: list[tuple[str, str, bool]] = []
        self.fields: list[Field] = []
        self.rows: Rows | Cells | None = None
        self._words: list[str] = []
        self._results = self._table = False
        self._field: dict[str, str] = {}
        self._null: str | None = None
        self._description = self._status = ""
        self._row_count: str | None = None
        self._prefix = ""
        self._elements = self._text = self._came = 0
        self._most: float = limits.head
        self._parser = Parser(limits, start=self._start, end=self._end, text=self._characters)

    def feed(self, block: bytes, last: bool = False) -> None:
        self._came += len(block)
        self._parser.feed(block, last)
        if isinstance(self.rows, Cells):
            self.rows.came(len(block))
        rows, most = self.rows.count if self.rows else 0, self.room.most_rows
        if most is not None and rows > most:
            raise Unbounded(f"was asked for {self.room.rows:,} rows at most, and sends more than {most:,}")
        if self._came > self._most:
            if self.rows is None:
                raise Unbounded(f"sends more than {size(self.limits.head)} before the first row")
            raise TooLarge(f"sends more than {size(int(self._most))} for {rows:,} rows")

    def raise_if_error(self) -> None:
        for status, message, after_rows in self.statuses:
            if status == "ERROR":
                raise Reported(" ".join(message.split()) or "it gives no reason", after_rows)

    def answer(self, says_status: bool) -> Answer:
        self.raise_if_error()
        found = {status for status, _, _ in self.statuses}
        if (says_status and not found & {"OK", "OVERFLOW"}) or found - {"OK", "OVERFLOW"}:
            raise Damaged("The answer does not say that the query went well: its QUERY_STATUS is missing.")
        if not self._table or not self.fields:
            raise Damaged("The answer has no table.")
        chunks = self.rows.chunks if self.rows else [[] for _ in self.fields]
        count = self.rows.count if self.rows else 0
        if self._row_count is not None and self._row_count != str(count):
            raise Damaged(f"The answer has {count} rows, and says that it has {self._row_count[:20]}.")
        columns = [column(field, parts) for field, parts in zip(self.fields, chunks, strict=True)]
        table = pa.table([values for _, values in columns], schema=pa.schema([field for field, _ in columns]))
        return Answer(table, "OVERFLOW" in found)

    def _outside(self) -> None:
        self._parser.tell(self._start, self._end, self._characters)

    def _characters(self, text: str) -> None:
        self._text += len(text)
        if self._text > self.limits.text:
            raise Unbounded(f"sends a VOTable with a text of more than {size(self.limits.text)} outside of its rows")
        self._words.append(text)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > self.limits.elements:
            raise Unbounded(f"sends a VOTable of more than {self.limits.elements:,} elements besides its rows")
        if len(self.path) >= self.limits.depth:
            raise Unbounded(f"sends a VOTable with more than {self.limits.depth} elements in each other")
        tag = tag[len(self._prefix) :] if self.path else self._root(tag)
        self.path.append(tag)
        if self.path[0] != "VOTABLE":
            raise Damaged(f"The answer is no VOTable but {'HTML' if tag.lower() == 'html' else f'a {tag[:40]!r}'}.")
        self._forget_words()
        match self.path[1:]:
            case ["RESOURCE"]:
                self._results = attributes.get("type", "results") == "results" and not self._table
            case ["INFO"] | ["RESOURCE", "INFO"] if attributes.get("name") == "QUERY_STATUS":
                self._status = attributes.get("value", "").strip().upper()
            case ["RESOURCE", "TABLE"] if self._results:
                self._results, self._table = not self._table, True
                self._row_count = attributes.get("nrows", self._row_count)
            case ["RESOURCE", "TABLE", *rest] if self._results:
                self._in_table(rest, attributes)

    def _root(self, tag: str) -> str:
        prefix, colon, tag = tag.rpartition(":")
        self._prefix = prefix + colon
        self.seen = True
        return tag

    def _in_table(self, path: list[str], attributes: dict[str, str]) -> None:
        match path:
            case ["FIELD"]:
                self._field, self._null, self._description = attributes, None, ""
            case ["FIELD", "VALUES"]:
                self._null = attributes.get("null", self._null)
            case ["DATA"]:
                pass  # the element within says how the rows are written
            case ["DATA", "BINARY" | "BINARY2" as kind] if self.fields and self.rows is None:
                self._make_room(kind)
                self.rows = Rows(self.fields, masked=kind == "BINARY2", most=self.limits.row)
            case ["DATA", "BINARY" | "BINARY2", "STREAM"] if isinstance(self.rows, Rows):
                if attributes.get("encoding") != "base64" or "href" in attributes:
                    raise Damaged("The answer's rows are not written in it as base64, the only way that sedsql reads.")
                _Base64(self._parser, self.rows, self._leave)
            case ["DATA", "TABLEDATA"] if self.fields and self.rows is None:
                self._make_room("TABLEDATA")
                self.rows = Cells(self.fields, self._prefix, self.limits.row)
                _Tabledata(self._parser, self.rows, self._leave, self._prefix)
            case ["DATA", *_]:
                raise Damaged(f"The answer has a {path[-1]} where its rows belong.")

    def _make_room(self, kind: str) -> None:
        """Set how many bytes the rows may have in this serialization, now that the columns are known."""
        if self.room.check and not any(status == "ERROR" for status, _, _ in self.statuses):
            self.room.check(schema_of(self.fields))
        count = self.limits.rows if self.room.most_rows is None else self.room.most_rows
        fixed, of_any_length = bytes_of_row(self.fields, kind)
        if fixed > self.limits.row * 2:
            raise Unbounded(f"announces rows of {size(fixed)} each")
        texts = of_any_length * self.limits.long * count
        if self.room.texts is not None:
            texts = min(texts, self.room.texts)
        most = count * fixed + max(texts, self.limits.row)
        # What comes after the rows is a word on how it went.
        self._most = self._came + min(most, self.room.most or most) + self.limits.token

    def _leave(self) -> None:
        """The end of the rows, whose element is still on the path."""
        self._outside()
        self._end(self.path[-1])

    def _end(self, tag: str) -> None:
        text = "".join(self._words)
        match self.path[1:]:
            case ["INFO"] | ["RESOURCE", "INFO"] if self._status:
                self.statuses.append((self._status, text or "", self._table))
                self._status = ""
            case ["RESOURCE", "TABLE", "FIELD", "DESCRIPTION"] if self._results:
                self._description = text
            case ["RESOURCE", "TABLE", "FIELD"] if self._results:
                self.fields.append(field_of(self._field, self._description, self._null))
                if len(self.fields) > self.limits.columns:
                    raise Unbounded(f"sends a table of more than {self.limits.columns:,} columns")
            case ["RESOURCE", "TABLE", "DATA"] if self._results and self.rows is None:
                raise Damaged("The answer has no rows where they belong.")
        self._forget_words()
        self.path.pop()

    def _forget_words(self) -> None:
        self._words.clear()
        self._text = 0


class _Base64:
    """The text of a STREAM, decoded while it comes."""

    def __init__(self, parser: Parser, rows: Rows, leave):
        self._rows, self._leave = rows, leave
        self._waiting: list[str] = []
        self._size = 0
        self._rest = b""
        self._padded = False
        parser.tell(self._start, self._end, self._text)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        raise Damaged(f"The answer has a {tag} among its rows.")

    def _text(self, text: str) -> None:
        self._waiting.append(text)
        self._size += len(text)
        if self._size >= _BLOCK:
            self._decode()

    def _end(self, tag: str) -> None:
        self._decode()
        if self._rest:
            raise Damaged("The answer's base64 ends early.")
        self._rows.finish()
        self._leave()

    def _decode(self) -> None:
        try:
            text = self._rest + "".join(self._waiting).encode("ascii").translate(*_BLANKS)
            self._waiting.clear()
            self._size = 0
            whole = len(text) & ~3
            self._rest = text[whole:]
            if not text:
                return
            if self._padded:
                raise binascii.Error
            data = binascii.a2b_base64(text[:whole], strict_mode=True)
        except (binascii.Error, UnicodeEncodeError):
            raise Damaged("The answer's base64 is damaged.") from None
        self._padded = len(data) * 4 != whole * 3
        self._rows.feed(data)


class _Tabledata:
    """The elements within TABLEDATA, up to its end."""

    def __init__(self, parser: Parser, cells: Cells, leave, prefix: str):
        self._cells, self._leave, self._last = cells, leave, prefix + "TABLEDATA"
        parser.tell(cells.start, self._end, cells.text)

    def _end(self, tag: str) -> None:
        if tag == self._last:
            self._cells.finish()
            self._leave()
        else:
            self._cells.end(tag)
