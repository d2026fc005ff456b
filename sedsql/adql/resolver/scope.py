"""Describe what names can mean: the catalogue that is handed in, and the tables in the scope of a query."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from sqlglot import exp

from sedsql.adql.tree.value_types import ValueType


class Column(Protocol):
    """A column: its name as the table has it, and the name of its type."""

    @property
    def name(self) -> str: ...
    @property
    def datatype(self) -> str: ...


class Table(Protocol):
    """A table of the catalogue.

    columns : by lower-case name
    position : names of the columns of right ascension and declination, if it has positions
    cell_column : name of the column of their HEALPix cells, if it is known to have one
    cell_shift : bits below the cell of order 12 in that column
    cell_margin : degrees that a position lies from its cell at most
    hidden : columns that `*` leaves out
    one_to_one : the CREATE VIEW of a view none of whose joins multiplies rows
    sort_column : name of the column whose upper bits are a cell of order 12, by which rows are in files
    rows : how many it has, if its values are known to be numbers or NULL, and not NaN; otherwise 0
    files : those of the table, each with its `path` and the first and last cell, `low` and `high`
    check : the macro that a list of files passes before it is read; empty where there is none
    selected : how the table selects its columns from the files
    base : the table that is read in its place, if functions of a row give the other columns
    asked : names of these functions, by the lower-case names of the columns that they give
    answers : the model whose answers for the rows are stored, the table that has them, its files and how it selects
        its columns from these
    """

    @property
    def columns(self) -> Mapping[str, Any]: ...
    @property
    def position(self) -> tuple[str, str] | None: ...
    @property
    def cell_column(self) -> str | None: ...
    @property
    def cell_shift(self) -> int: ...
    @property
    def cell_margin(self) -> float: ...
    @property
    def hidden(self) -> frozenset[str]: ...
    @property
    def one_to_one(self) -> str | None: ...
    @property
    def sort_column(self) -> str | None: ...
    @property
    def rows(self) -> int: ...
    @property
    def files(self) -> Sequence[Any]: ...
    @property
    def check(self) -> str: ...
    @property
    def selected(self) -> str: ...
    @property
    def base(self) -> str | None: ...
    @property
    def asked(self) -> Mapping[str, str]: ...
    @property
    def answers(self) -> tuple[str, str, Sequence[Any], str] | None: ...


class Catalogue(Protocol):
    """Tables by lower-case qualified name, such as gaiadr3.gaia_source."""

    @property
    def tables(self) -> Mapping[str, Any]: ...


class KnownColumn(NamedTuple):
    """What is known of a column.

    value_type : its sort of value
    column : the column of a table that it is, if it is one
    name : as the answer has it
    texts : all that it may be, if they are known
    of_model : whether it depends on the row by what models say of it, and by nothing else
    is_share : whether it is a number from 0 to 1 that a model gives
    frame : of a geometry, if it is known
    """

    value_type: ValueType | None = None
    column: Column | None = None
    name: str = ""
    texts: Collection[str] | None = None
    of_model: bool = False
    is_share: bool = False
    frame: str | None = None

    def or_else(self, other: KnownColumn) -> KnownColumn:
        """What is known of a column of UNION, whose values are those of one or of the other."""
        both = [*self.texts, *other.texts] if self.texts is not None and other.texts is not None else None
        of_model, is_share = self.of_model and other.of_model, self.is_share and other.is_share
        frame = self.frame if self.frame == other.frame else None
        return self._replace(texts=both, of_model=of_model, is_share=is_share, frame=frame)


class Columns(dict[str, KnownColumn]):
    """The columns of a table or query by lower-case name, the first of those that share one; `every` has them all."""

    def __init__(self, every: Iterable[KnownColumn]):
        super().__init__()
        self.every = list(every)
        for known in self.every:
            self.setdefault(known.name.lower(), known)

    @property
    def are_told_apart(self) -> bool:
        """Whether each has a name of its own."""
        return len(self) == len(self.every)


@dataclass
class Source:
    """A table or subquery in a FROM clause; `columns` is None when they cannot be known.

    `used` has the names of columns that a query asks for, in lower case.
    """

    name: str
    quoted: bool
    columns: Columns | None
    parts: tuple[str, ...] = ()  # the qualified name in lower case, when it has no alias
    table: Table | None = None
    node: exp.Expr | None = None  # what stands for it in FROM
    used: set[str] = field(default_factory=set)

    @property
    def query(self) -> exp.Expr | None:
        """The subquery that it is, if it is one."""
        return self.node.this if isinstance(self.node, exp.Subquery) else None

    def has(self, name: exp.Identifier) -> bool:
        """Whether it has that column; a delimited name keeps its case."""
        key = name.name.lower()
        if self.columns is None or key not in self.columns:
            return False
        return not (name.quoted and self.table and self.table.columns[key].name != name.name)

    @property
    def hidden(self) -> frozenset[str]:
        return self.table.hidden if self.table else frozenset()

    @property
    def asked(self) -> Mapping[str, str]:
        """The columns that functions give, by name."""
        return self.table.asked if self.table else {}

    @property
    def numbers(self) -> dict[str, str | None]:
        """The columns of numbers, with their units."""
        return {
            name: getattr(known.column, "unit", None)
            for name, known in (self.columns or {}).items()
            if known.value_type in (ValueType.INTEGER, ValueType.REAL)
        }

    @property
    def shown(self) -> list[KnownColumn] | None:
        """The columns that `*` stands for."""
        if self.columns is None:
            return None
        return [known for known in self.columns.every if known.name.lower() not in self.hidden]

    def __deepcopy__(self, memo: object) -> Source:
        return self  # sqlglot copies the notes on a node with the node

    def is_called(self, name: exp.Identifier) -> bool:
        return name.name == self.name if self.quoted and name.quoted else name.name.lower() == self.name.lower()


@dataclass
class Scope:
    """What names mean in one SELECT."""

    sources: list[Source] = field(default_factory=list)
    merged: set[str] = field(default_factory=set)  # columns that USING or NATURAL made one
    outer: Scope | None = None
    later: list[Source] = field(default_factory=list)  # tables that are joined after a condition

    def levels(self) -> Iterator[Scope]:
        """This scope and those around it, the nearest first."""
        scope: Scope | None = self
        while scope:
            yield scope
            scope = scope.outer

    def every(self) -> Iterator[Source]:
        """The tables of this scope and those around it, the nearest first."""
        for scope in self.levels():
            yield from scope.sources
