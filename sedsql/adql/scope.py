"""What names can mean: the catalogue that is handed in, and the tables in the scope of a query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from sqlglot import exp


class Column(Protocol):
    """A column: its name as the table has it, and the name of its type."""

    @property
    def name(self) -> str: ...
    @property
    def datatype(self) -> str: ...


class Table(Protocol):
    """A table: its columns by lower-case name; where it holds positions and their HEALPix cells, if it is known to.

    `cell_shift` are the bits below the cell of order 12 in `cell_column`, and no position lies further than
    `cell_margin` degrees from its cell; `hidden` the columns that `*` leaves out;
    `one_to_one` the CREATE VIEW of a view of which no join makes a row two. A table may be the table `base` with
    columns that functions of a row give: `asked` has the names of these, by the column's lower-case name.
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
    def base(self) -> str | None: ...
    @property
    def asked(self) -> Mapping[str, str]: ...


class Catalogue(Protocol):
    """Tables by lower-case qualified name, such as gaiadr3.gaia_source."""

    @property
    def tables(self) -> Mapping[str, Any]: ...


class ModelFunction(Protocol):
    """A function that is handed in: `row` tells that its first argument may be the alias of a table, which
    then must have `columns`; `arity` are its numbers of arguments.

    It may have `completed(given, row)`, `constant(row)`, `written(name, arguments)`, `share`, `quick` and `bound`, as
    `inference.calls.RowFunction` has them: what a call takes of its row, what it gives for all rows, the SQL of a call;
    and what models.py and bounds.py ask.
    """

    @property
    def arity(self) -> tuple[int, ...]: ...
    @property
    def row(self) -> bool: ...
    @property
    def columns(self) -> tuple[str, ...]: ...


class Known(NamedTuple):
    """What is known of a column.

    Its kind (see kinds.py), the column of a table that it is, if it is one, and its name as the answer has it.
    """

    kind: str | None = None
    column: Column | None = None
    name: str = ""


class Columns(dict[str, Known]):
    """The columns of a table or query by lower-case name, of several with one name the first; `every` has them all."""

    def __init__(self, every: Iterable[Known]):
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
            if known.kind in ("i", "r")
        }

    @property
    def shown(self) -> list[Known] | None:
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

    def every(self) -> Iterable[Source]:
        scope: Scope | None = self
        while scope:
            yield from scope.sources
            scope = scope.outer
