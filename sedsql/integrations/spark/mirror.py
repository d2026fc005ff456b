"""Put the tables of a mirror into a Spark session, under the archive's names, and ask them in ADQL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sedsql import adql
from sedsql.adql.spark.generator import UnknownError
from sedsql.adql.spark.values import literal
from sedsql.adql.spark.views import Macros, view_in_spark
from sedsql.catalogue import PHOTOMETRY, Catalogue, Table
from sedsql.catalogue.table import CellFile
from sedsql.dbapi.connection import Connection, connect
from sedsql.dbapi.translator import Parameters, values_to_bind
from sedsql.files.object_storage.addresses import address_of
from sedsql.files.object_storage.duckdb_files import PREFIX
from sedsql.integrations.spark.functions import register
from sedsql.integrations.spark.requirements import SparkError, check_session
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.stored.joined import is_stored
from sedsql.mirror.table_state import TableState

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FILES = "sedsql_files"
"""The database of tables that are all the files of an archive's table; views of its columns have the archive's name."""
NAME = re.compile(r"[A-Za-z0-9_]+")
"""What Spark's catalogue takes for a name."""


def mirror(
    spark: SparkSession,
    path: str | Path,
    *,
    models: Iterable[str | Path] | None = None,
    default: str | None = None,
) -> SparkMirror:
    """Put the tables of a mirror and the functions of models into a Spark session.

    Tables get the archive's names, such as `gaiadr3.gaia_source` and `sed.photometry`. They have the files that the
    mirror's manifest names when this is called; after a change of the mirror, call it again.

    Parameters
    ----------
    spark : a session of Spark 4.1 or later in ANSI mode, whose workers see the mirror's folder under this path
    path : folder of a mirror
    models, default : see `sedsql.connect`

    Raises
    ------
    SparkError
        Where the session is of a version, or in a mode, that gives other answers, or the mirror lies on object storage.
    MirrorError
        Where there is no mirror, a file of it is missing, or a folder of a table has a file that is not its own.

    Examples
    --------
    >>> sky = sedsql.spark.mirror(spark, "sky")  # doctest: +SKIP
    >>> sky.sql("SELECT TOP 5 source_id FROM gaiadr3.gaia_source").show()  # doctest: +SKIP
    """
    if address := address_of(path):
        raise SparkError(
            f"{address} is on object storage, from which Spark gets no mirror: copy it to a folder that workers see."
        )
    check_session(spark)
    if str(spark.conf.get("spark.sql.ansi.enabled")).lower() != "true":
        raise SparkError(
            "Spark is not in ANSI mode, in which numbers overflow unseen: set spark.sql.ansi.enabled to true."
        )
    connection = connect(path, models=models, default=default)
    register(spark, models, connection.answering.default)
    known = dict(_put_tables(spark, connection, Mirror.read(path)))
    return SparkMirror(spark, connection, Catalogue(known))


class SparkMirror:
    """A mirror's tables in a Spark session.

    Attributes
    ----------
    spark : the session
    catalogue : the tables that Spark has, which names in ADQL mean
    """

    def __init__(self, spark: SparkSession, connection: Connection, catalogue: Catalogue):
        self.spark, self.catalogue, self._connection = spark, catalogue, connection

    def sql(self, query: str, parameters: Parameters = ()) -> DataFrame:
        """The answer to an ADQL query as a Spark DataFrame, which is computed when its rows are asked for.

        parameters : values for `?` by their order, or for `:name` by their names
        """
        made = self.translation(query, parameters)
        values = {f"p{name}" if name.isdigit() else name: value
                  for name, value in values_to_bind(made, parameters).items()}  # fmt: skip
        return self.spark.sql(made.sql, args=values or None)

    def translate(self, query: str, explain: list[str] | None = None) -> str:
        """The Spark SQL of an ADQL query, its names resolved against the mirror."""
        return self.translation(query, (), explain).sql

    def translation(
        self, query: str, parameters: Parameters = (), explain: list[str] | None = None
    ) -> adql.Translation:
        """The same with the parameters that the SQL has, and the columns of the answer."""
        functions = self._connection.functions
        return adql.translation(
            query, self.catalogue, functions, values=parameters, explain=explain, strict=False, engine="spark"
        )

    def close(self) -> None:
        """Close the mirror; what Spark has stays."""
        self._connection.close()

    def __repr__(self) -> str:
        return f"<sedsql mirror in Spark, {len(self.catalogue.tables)} tables>"


def _put_tables(spark: SparkSession, connection: Connection, found: Mirror) -> Iterator[tuple[str, Table]]:
    """Make each table that Spark can have; give those that ADQL names, with where their files lie."""
    tables = connection.catalogue.tables
    spark.sql(f"CREATE DATABASE IF NOT EXISTS {FILES}")
    made: set[str] = set()
    for name, state in found.tables.items():
        shown = _shown(connection, state)
        on_disk = not any(path.startswith(PREFIX) for path in state.files)
        if all(NAME.fullmatch(part) for part in state.table.parts) and state.files and on_disk and shown:
            _check_files(state, found.folder)
            for view, columns in shown.items():
                _make(spark, view, columns, state, found.folder)
            made.add(name)
    if PHOTOMETRY in tables and not is_stored(connection.duckdb):
        _join(spark, connection)
        made.add(PHOTOMETRY)
    for name, table in tables.items():
        base = (table.base or name).lower()
        if base in made:
            yield name, _placed(table, found.folder)


def _shown(connection: Connection, state: TableState) -> dict[str, str]:
    """The views that DuckDB has of a table's files, each with the columns that it selects; none where it has none."""
    marks = [f"'{path}'" for path in sorted(state.files)[:1]]
    found = connection.duckdb.execute(
        "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE database_name = 'mirror' AND contains(sql, ?)",
        marks,
    ).fetchall()
    return {
        f"`{schema}`.`{name}`": sql.partition(" AS ")[2].partition(" FROM ")[0].removeprefix("SELECT ")
        for schema, name, sql in found
        if NAME.fullmatch(name)
    }


def _make(spark: SparkSession, view: str, columns: str, state: TableState, folder: Path) -> None:
    """Make the view of a table over all files in its folder."""
    base = f"{FILES}.`{'__'.join(state.table.parts)}`"
    root = os.path.commonpath([folder / path for path in state.files])
    root = root if len(state.files) > 1 else os.path.dirname(root)
    spark.sql(f"DROP TABLE IF EXISTS {base}")
    spark.sql(f"CREATE TABLE {base} USING parquet OPTIONS (path {literal(root)}, recursiveFileLookup 'true')")
    spark.sql(f"CREATE DATABASE IF NOT EXISTS {view.partition('.')[0]}")
    select = columns.replace('"', "`")
    spark.sql(f"CREATE OR REPLACE VIEW {view} AS SELECT {select} FROM {base}")
    spark.table(base).schema  # noqa: B018  # Spark lists the files now: one that goes later is an error


def _check_files(state: TableState, folder: Path) -> None:
    """Raise MirrorError unless the files below a table's folder are those of the manifest."""
    expected = {str(folder / path) for path in state.files}
    root = os.path.commonpath([os.path.dirname(path) for path in expected])
    there = {
        os.path.join(place, name)
        for place, _, names in os.walk(root)
        for name in names
        if not name.startswith(("_", "."))
        and not any(part.startswith(("_", ".")) for part in Path(place).relative_to(root).parts)
    }
    if missing := sorted(expected - there):
        raise MirrorError(f"{state.table.name} lacks a file, {missing[0]}: fetch it again with `sedsql mirror repair`.")
    if others := sorted(there - expected):
        raise MirrorError(f"{others[0]} lies among the files of {state.table.name} and is none of them; move it away.")


def _join(spark: SparkSession, connection: Connection) -> None:
    """Make `sed.photometry` a view that joins its tables, with the rules that the mirror has switched on."""
    schema, name = PHOTOMETRY.split(".")
    row = connection.duckdb.execute(
        "SELECT sql FROM duckdb_views() WHERE database_name = 'mirror' AND schema_name = ? AND view_name = ?",
        [schema, name],
    ).fetchone()
    rules = connection.duckdb.execute(
        "SELECT lower(function_name), parameters, macro_definition FROM duckdb_functions()"
        " WHERE database_name = 'mirror' AND schema_name = ? AND function_type = 'macro'", [schema]
    ).fetchall()  # fmt: skip
    macros: Macros = {f"{schema}.{rule}": (taken, definition) for rule, taken, definition in rules}
    try:
        select = view_in_spark(row[0].partition(" AS ")[2].rstrip("; \n") if row else "", macros)
    except UnknownError as reason:
        raise SparkError(f"The view {PHOTOMETRY} cannot be made: {reason.sentence}.") from None
    spark.sql(f"CREATE DATABASE IF NOT EXISTS {schema}")
    spark.sql(f"CREATE OR REPLACE VIEW {PHOTOMETRY} AS {select}")


def _placed(table: Table, folder: Path) -> Table:
    """A table whose files have whole paths; DuckDB has looked at the rules that they were stored by."""
    answers = table.answers._replace(files=_whole(table.answers.files, folder)) if table.answers else None
    return replace(table, files=_whole(table.files, folder), check="", answers=answers)


def _whole(files: Sequence[CellFile], folder: Path) -> tuple[CellFile, ...]:
    return tuple(replace(file, path=str(folder / file.path)) for file in files)
