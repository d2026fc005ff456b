"""What tables and columns there are: names, types, units, UCDs, descriptions."""

from dataclasses import dataclass, field, replace

import duckdb

from .tablecells import of_manifest, of_views

CELL = "_healpix_29"
"""The column of HEALPix cells in tables that have no source_id; HATS's own name of it (IVOA Note, Section 3)."""

SOURCE_ID_SHIFT = 35
"""Bits below the HEALPix cell of order 12 in Gaia's source_id (Gaia DR3 documentation, Section 20.1.1)."""

PHOTOMETRY, CLASSIFIED = "sed.photometry", "sed.classified"
CLASSIFIED_DESCRIPTION = "Gaia sources with their ten magnitudes, and what a model says that each is"

_POSITION_UCDS = ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main")

_TAP_TYPES = {"FLOAT": "REAL", "TINYINT": "SMALLINT", "HUGEINT": "BIGINT", "UBIGINT": "BIGINT"}
"""DuckDB's name of a type to TAP's, where they differ (TAP 1.1, Section 4.3)."""


@dataclass(frozen=True)
class Column:
    """A column; datatype in TAP's words: BIGINT, INTEGER, DOUBLE, REAL, VARCHAR, BOOLEAN, TIMESTAMP ..."""

    name: str
    datatype: str
    unit: str | None = None
    ucd: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Table:
    """A table or view.

    name : qualified, as `gaiadr3.gaia_source`
    columns : by lower-case name, in the table's order
    position : names of the columns of right ascension and declination, in degrees
    cell_column : name of the column whose upper bits are known to be the HEALPix cell of `position`: Gaia's source_id,
        or `_healpix_29`; the manifest of a mirror knows, and no name tells
    cell_margin : degrees that a position lies from its cell at most
    one_to_one : of a view, its CREATE VIEW, where it is known that none of its LEFT JOINs makes a row two
    base : the table that has all columns but those that a model gives
    asked : by lower-case name of a column that a model gives, the function of a row that gives it
    """

    name: str
    description: str | None = None
    columns: dict[str, Column] = field(default_factory=dict)
    position: tuple[str, str] | None = None
    cell_column: str | None = field(default=None, compare=False)
    cell_margin: float = field(default=0.0, compare=False)
    one_to_one: str | None = None
    base: str | None = None
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, str]:
        """Schema and name; a name such as J/A+A/650/A1/table.2 is one of VizieR's, and has no schema."""
        schema, _, name = self.name.partition(".")
        return (schema, name) if schema and name and "/" not in schema else ("main", self.name)

    @property
    def sort_column(self) -> str | None:
        """The column by which the rows are stored: the one of cells that sedsql adds, or else source_id."""
        found = (self.columns[name] for name in (CELL, "source_id") if name in self.columns)
        return next((column.name for column in found if column.datatype == "BIGINT"), None)

    @property
    def has_cells(self) -> bool:
        """Whether it is stored by cells: any table can have a source_id that means something else.

        A table of Gaia's name can as well, so that queries go by `cell_column`.
        """
        return self.sort_column == CELL or (self.sort_column == "source_id" and "gaia" in self.name.lower())

    @property
    def cell_shift(self) -> int:
        """Bits below the cell of order 12 in `sort_column`."""
        return 34 if (self.sort_column or "").lower() == CELL else SOURCE_ID_SHIFT

    @property
    def hidden(self) -> frozenset[str]:
        """The columns that an archive does not have, which `*` leaves out."""
        return frozenset({CELL} & set(self.columns))

    def adding(self, column: Column) -> "Table":
        """The table with one column more."""
        return table_of(self.name, self.description, [*self.columns.values(), column])


def table_of(name: str, description: str | None, columns: list[Column]) -> Table:
    """A table whose position is found by its UCDs, or else by the names ra and dec."""
    by_name = {column.name.lower(): column for column in columns}
    by_ucd = {column.ucd: column.name for column in columns}
    position = None
    if all(ucd in by_ucd for ucd in _POSITION_UCDS):
        position = (by_ucd[_POSITION_UCDS[0]], by_ucd[_POSITION_UCDS[1]])
    elif "ra" in by_name and "dec" in by_name:
        position = (by_name["ra"].name, by_name["dec"].name)
    return Table(name, description, by_name, position)


_CLASSIFIED = (
    Column(
        "class",
        "VARCHAR",
        None,
        "meta.code.class",
        "What the source is: the deepest node of the tree of classes that has a probability of 0.5",
    ),
    Column("class_probability", "DOUBLE", None, "stat.probability;meta.code.class", "Probability of that node"),
    Column(
        "class_path", "VARCHAR", None, "meta.code.class", "The nodes of the tree from the top to it, joined by slashes"
    ),
    Column(
        "outlier", "DOUBLE", None, "stat.rank", "Share of the model's training sources that are more like the others"
    ),
    Column("class_model", "VARCHAR", None, "meta.id;meta.modelled", "Name of the model that says so"),
)
"""The columns that `sed.classified` has besides those of `sed.photometry`."""


def classified(photometry: Table, description: str | None = None) -> Table:
    """`sed.classified`, by the table `sed.photometry`."""
    found = table_of(CLASSIFIED, description or CLASSIFIED_DESCRIPTION, [*photometry.columns.values(), *_CLASSIFIED])
    asked = {column.name: f"_{column.name}" for column in _CLASSIFIED}
    return replace(
        found,
        cell_column=photometry.cell_column,
        cell_margin=photometry.cell_margin,
        one_to_one=photometry.one_to_one,
        base=photometry.name,
        asked=asked,
    )


@dataclass(frozen=True)
class Key:
    """A foreign key: `columns` are pairs of a column of `from_table` and the one of `target_table` it means."""

    from_table: str
    target_table: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Catalogue:
    """All tables, by lower-case qualified name."""

    tables: dict[str, Table] = field(default_factory=dict)

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection) -> "Catalogue":
        """The tables and views of the connection's current database.

        Names and types are DuckDB's; units, UCDs and descriptions come from `tap_schema`, where the
        database has that, or else from DuckDB's comments; which columns hold cells, from the `manifest`. Where the
        view `sed.photometry` is, `sed.classified` is too, of which the database itself knows nothing.
        """
        columns = con.execute(
            "SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns() "
            "WHERE database_name = current_database() AND NOT internal "
            "ORDER BY schema_name, table_name, column_index"
        ).fetchall()
        about_tables, about_columns = _tap_schema(con)
        found: dict[str, list[Column]] = {}
        for schema, table, name, datatype, comment in columns:
            qualified = _qualified(schema, table)
            about = about_columns.get((qualified.lower(), name.lower()), (None, None, comment))
            found.setdefault(qualified, []).append(Column(name, tap_type(datatype), *about))
        comments = _comments(con) | about_tables
        tables = {name.lower(): table_of(name, comments.get(name.lower()), found[name]) for name in found}
        tables = of_views(con, of_manifest(con, tables))
        for (sql,) in _photometry(con):
            tables[PHOTOMETRY] = replace(tables[PHOTOMETRY], one_to_one=sql)
            tables.setdefault(CLASSIFIED, classified(tables[PHOTOMETRY], about_tables.get(CLASSIFIED)))
        return cls(tables)


def _qualified(schema: str, table: str) -> str:
    return table if schema == "main" else f"{schema}.{table}"


def _photometry(con: duckdb.DuckDBPyConnection) -> list[tuple]:
    """The CREATE VIEW of PHOTOMETRY, if it is a view: it joins best neighbours, one or none a source."""
    return con.execute(
        "SELECT sql FROM duckdb_views() "
        "WHERE database_name = current_database() AND NOT internal AND lower(schema_name || '.' || view_name) = ?",
        [PHOTOMETRY],
    ).fetchall()


def _comments(con: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """The comments on tables and views, by qualified name."""
    rows = con.execute(
        "SELECT schema_name, view_name, comment FROM duckdb_views() "
        "WHERE database_name = current_database() AND NOT internal UNION ALL "
        "SELECT schema_name, table_name, comment FROM duckdb_tables() "
        "WHERE database_name = current_database() AND NOT internal"
    ).fetchall()
    return {_qualified(schema, name).lower(): comment for schema, name, comment in rows}


def tap_type(duckdb_type: str) -> str:
    """TAP's name of a DuckDB type."""
    base = duckdb_type.split("(")[0]
    return _TAP_TYPES.get(base, base)


def _tap_schema(con: duckdb.DuckDBPyConnection) -> tuple[dict, dict]:
    there = con.execute(
        "SELECT count(*) FROM duckdb_tables() "
        "WHERE database_name = current_database() AND schema_name = 'tap_schema' AND table_name = 'columns'"
    ).fetchone()
    if not there or not there[0]:
        return {}, {}
    tables = con.execute("SELECT lower(table_name), description FROM tap_schema.tables").fetchall()
    columns = con.execute(
        "SELECT lower(table_name), lower(column_name), unit, ucd, description FROM tap_schema.columns"
    ).fetchall()
    return dict(tables), {(table, name): tuple(about) for table, name, *about in columns}
