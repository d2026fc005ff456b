"""Describe the columns of an answer as FIELDs of a VOTable (VOTable 1.4, Section 4.1)."""

from dataclasses import dataclass, field, replace

import pyarrow as pa

from sedsql.catalogue.datatypes import DATATYPES, of_arrow
from sedsql.files.times import is_time

_ABOUT = ("unit", "ucd", "xtype", "description")
"""Keys of an Arrow field's metadata that a FIELD has too."""

_BITS = {"short": 16, "int": 32, "long": 64}


@dataclass(frozen=True)
class Field:
    """A FIELD.

    datatype, arraysize : of VOTable; no arraysize where a cell is one number or truth value
    item : the Arrow type of a number or truth value in a cell, and `string` of text
    about : unit, ucd, xtype and description, those that there are
    null : the integer that stands for NULL (VALUES null=), where nothing else tells it
    """

    name: str
    datatype: str
    arraysize: str | None
    item: pa.DataType
    about: dict[str, str] = field(default_factory=dict)
    null: int | None = None

    @property
    def is_text(self) -> bool:
        return self.datatype in ("char", "unicodeChar")

    @property
    def is_list(self) -> bool:
        return self.arraysize is not None and not self.is_text

    @property
    def length(self) -> int | None:
        """How many items each cell has; None where it says so itself."""
        return int(self.arraysize) if self.arraysize not in (None, "*") else None

    def with_null(self) -> "Field":
        """The same FIELD, in which the smallest integer of its type stands for NULL; it is no other for other types."""
        bits = _BITS.get(self.datatype)
        return self if bits is None else replace(self, null=-(1 << bits - 1))

    def attributes(self) -> dict[str, str]:
        """All attributes, and the description."""
        size = {} if self.arraysize is None else {"arraysize": self.arraysize}
        return {"name": self.name, "datatype": self.datatype, **size, **self.about}


def field_of(column: pa.Field) -> Field:
    """The FIELD of a column: what TAP has no type for is text, as JSON."""
    kind, told = column.type, {key.decode(): value.decode() for key, value in (column.metadata or {}).items()}
    about = {key: " ".join(told[key].split()) for key in _ABOUT if told.get(key, "").strip()}
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if is_time(kind):
        return Field(column.name, "char", "*", pa.string(), {**about, "xtype": "timestamp"})
    if _is_blob(kind):
        return Field(column.name, "unsignedByte", "*", pa.uint8(), about)
    if _is_list(kind):
        datatype = _number(kind.value_type)
        if datatype:
            size = str(kind.list_size) if pa.types.is_fixed_size_list(kind) else "*"
            told_size = told.get("arraysize", "").strip()
            size = told_size if told_size.isdecimal() and size == "*" else size
            return Field(column.name, datatype, size, _ITEMS[datatype], about)
    elif datatype := _number(kind):
        return Field(column.name, datatype, None, _ITEMS[datatype], about)
    return Field(column.name, "unicodeChar", "*", pa.string(), about)


_ITEMS = {one.votable: one.arrow for one in DATATYPES.values() if one.votable != "char"}


def _number(kind: pa.DataType) -> str | None:
    """VOTable's type of numbers and truth values; None of all else."""
    name = None if hasattr(kind, "value_type") else of_arrow(kind)
    datatype = DATATYPES[name].votable if name else None
    return datatype if datatype in _ITEMS else None


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _is_blob(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
