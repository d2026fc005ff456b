"""Describe a table and its columns: names, types, units, UCDs, descriptions."""

from dataclasses import dataclass, field
from typing import NamedTuple

from sedsql.catalogue.healpix import CELL, CELL_SHIFT, SOURCE_ID_SHIFT

PHOTOMETRY, CLASSIFIED = "sed.photometry", "sed.classified"
JOINED = "sed.photometry_joined"
"""The view that joins the tables of `sed.photometry`, in mirrors that have it stored."""

_POSITION_UCDS = ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main")


@dataclass(frozen=True)
class Column:
    """A column; its datatype is a name of `datatypes.DATATYPES`, or such a name with [] for lists."""

    name: str
    datatype: str
    unit: str | None = None
    ucd: str | None = None
    description: str | None = None


CELL_COLUMN = Column(
    CELL, "BIGINT", None, "pos.healpix", "HEALPix cell of order 29 of the position, nested; added by sedsql"
)
"""The column of cells in tables without a source_id."""


@dataclass(frozen=True)
class CellFile:
    """A file of a mirror's table, as DuckDB finds it, with the first and the last cell of order 12 of its rows."""

    path: str
    low: int
    high: int


class Answers(NamedTuple):
    """What a model said of the rows of a table.

    model : its name
    table : the table that has it, beside all columns of the other
    files : of that table, as `Table.files`
    columns : how that table selects its columns from the files
    """

    model: str
    table: str
    files: tuple[CellFile, ...] = ()
    columns: str = "*"


@dataclass(frozen=True)
class Table:
    """A table or view.

    name : qualified, as `gaiadr3.gaia_source`
    columns : by lower-case name, in the table's order
    position : names of the columns of right ascension and declination, in degrees
    cell_column : name of the column whose upper bits are known to be the HEALPix cell of `position`: Gaia's source_id,
        or `_healpix_29`; only the manifest of a mirror tells, not the name
    cell_margin : degrees that a position lies from its cell at most
    one_to_one : the CREATE VIEW of a view whose LEFT JOINs are known to give no row twice
    rows : how many it has, of a table that a mirror has written; otherwise 0
    files : all that the table is read from, if each has cells; empty where that is not known
    check : the macro that a list of these files passes before it is read; empty where there is none
    selected : how the table selects its columns from the files
    base : the table that has all columns but those that a model gives
    asked : by lower-case name of a column that a model gives, the function of a row that gives it
    answers : what a model said of the rows, if it is stored
    """

    name: str
    description: str | None = None
    columns: dict[str, Column] = field(default_factory=dict)
    position: tuple[str, str] | None = None
    cell_column: str | None = field(default=None, compare=False)
    cell_margin: float = field(default=0.0, compare=False)
    one_to_one: str | None = None
    rows: int = field(default=0, compare=False)
    files: tuple[CellFile, ...] = field(default=(), compare=False, repr=False)
    check: str = field(default="", compare=False)
    selected: str = field(default="*", compare=False, repr=False)
    base: str | None = None
    asked: dict[str, str] = field(default_factory=dict)
    answers: Answers | None = field(default=None, compare=False)

    @property
    def parts(self) -> tuple[str, str]:
        """Schema and name; a name of VizieR's such as J/A+A/650/A1/table.2 has no schema."""
        schema, _, name = self.name.partition(".")
        return (schema, name) if schema and name and "/" not in schema else ("main", self.name)

    @property
    def sort_column(self) -> str | None:
        """The column by which the rows are sorted: the column of cells that sedsql adds, or else source_id."""
        found = (self.columns[name] for name in (CELL, "source_id") if name in self.columns)
        return next((column.name for column in found if column.datatype == "BIGINT"), None)

    @property
    def has_cells(self) -> bool:
        """Whether the table is stored by cells.

        Any table, even one of Gaia's name, can have a source_id that means something else; so queries go by
        `cell_column`.
        """
        name = self.name.lower()
        has_gaias = "gaia" in name or name in (PHOTOMETRY, CLASSIFIED)
        return self.sort_column == CELL or (self.sort_column == "source_id" and has_gaias)

    @property
    def cell_shift(self) -> int:
        """Bits below the cell of order 12 in `sort_column`."""
        return CELL_SHIFT if (self.sort_column or "").lower() == CELL else SOURCE_ID_SHIFT

    @property
    def hidden(self) -> frozenset[str]:
        """The columns that sedsql adds, which `*` leaves out."""
        return frozenset({CELL} & set(self.columns))

    def adding(self, column: Column) -> "Table":
        """Add a column."""
        return table_of(self.name, self.description, [*self.columns.values(), column])


def table_of(name: str, description: str | None, columns: list[Column]) -> Table:
    """Make a table; its position is found by UCDs, or else by the names ra and dec."""
    by_name = {column.name.lower(): column for column in columns}
    by_ucd = {column.ucd: column.name for column in columns}
    position = None
    if all(ucd in by_ucd for ucd in _POSITION_UCDS):
        position = (by_ucd[_POSITION_UCDS[0]], by_ucd[_POSITION_UCDS[1]])
    elif "ra" in by_name and "dec" in by_name:
        position = (by_name["ra"].name, by_name["dec"].name)
    return Table(name, description, by_name, position)


@dataclass(frozen=True)
class Key:
    """A foreign key: `columns` are pairs of a column of `from_table` and the one of `target_table` it means."""

    from_table: str
    target_table: str
    columns: tuple[tuple[str, str], ...]
