"""Translate a query: ADQL in, DuckDB SQL or Spark SQL out."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from sedsql.adql.errors import AdqlError
from sedsql.adql.optimizer.rules import REWRITES, rewrite
from sedsql.adql.parser import lexer
from sedsql.adql.parser.grammar import Grammar
from sedsql.adql.parser.parameters import Values
from sedsql.adql.parser.physical_values import is_physical
from sedsql.adql.resolver.names import Resolver
from sedsql.adql.resolver.scope import Catalogue, Column, Columns
from sedsql.adql.resolver.units import convert
from sedsql.adql.tree.model_function import ModelFunction
from sedsql.adql.tree.nodes import Call
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.parts import every_of
from sedsql.adql.writer import MARKED, Writer

TargetEngine = t.Literal["duckdb", "spark"]
"""Whose SQL a query becomes."""
NOT_IN_SPARK = frozenset({"top", "bounds"})
"""Rewrites that are for DuckDB's way of reading files, and for its engines of models, alone."""


@dataclass(frozen=True)
class Translation:
    """A query in the SQL of DuckDB or Spark.

    sql : the text
    columns : the catalogue's columns that columns of the answer are, by lower-case name
    parameters : the parameters that the text has, each once: "1" for `$1`, the first `?`, and "name" for `$name`.
        Those are fewer than the query's where a region or a bound is computed from the value of one.
    converted : by their names, parameters whose values had a unit or were times, in what the query compares them with
    models : name and SHA-256 of each model that the query asks
    """

    sql: str
    columns: dict[str, Column]
    parameters: tuple[str, ...] = ()
    converted: dict[str, t.Any] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)


def translate(
    adql: str,
    catalogue: Catalogue | None = None,
    functions: Mapping[str, ModelFunction] | None = None,
    *,
    values: Values | None = None,
    explain: list[str] | None = None,
    rewrites: Collection[str] = tuple(REWRITES),
    strict: bool = True,
    engine: TargetEngine = "duckdb",
) -> str:
    """Translate an ADQL query into the SQL of DuckDB or Spark.

    Parameters
    ----------
    adql : the query
    catalogue : what all names are checked against, such as `Connection.catalogue`; without one they are taken as they
        come, and only the language is checked
    functions : those that the database has besides ADQL's
    values : of the parameters `?` and `:name`, which are `$1` and `$name` in DuckDB's SQL
    explain : a list that gets a sentence for each thing that the rewrites did
    rewrites : those of REWRITES that are made, as `sedsql.connect` has them
    strict : whether words that the standard reserves are refused as names, such as `position`; a connection takes them
    engine : "duckdb", or "spark" for Spark 4 in ANSI mode, where the parameters `?` are `:p1`, `:p2` ..., and functions
        of a row take its columns

    Raises
    ------
    AdqlError
        And nothing else, for a query that is not good.

    Examples
    --------
    >>> import sedsql
    >>> sedsql.translate("SELECT TOP 5 source_id FROM gaiadr3.gaia_source WHERE parallax > 100")
    'SELECT source_id FROM gaiadr3.gaia_source WHERE parallax > 100 LIMIT 5'
    >>> sedsql.translate("SELECT COORD1(p) AS ra, 5/60 AS share FROM t", engine="spark")
    'SELECT get(p, 0) AS ra, 5 div 60 AS share FROM t'
    """
    return translation(
        adql, catalogue, functions, values=values, explain=explain, rewrites=rewrites, strict=strict, engine=engine
    ).sql


def translation(
    adql: str,
    catalogue: Catalogue | None = None,
    functions: Mapping[str, ModelFunction] | None = None,
    *,
    values: Values | None = None,
    explain: list[str] | None = None,
    rewrites: Collection[str] = tuple(REWRITES),
    strict: bool = True,
    engine: TargetEngine = "duckdb",
) -> Translation:
    """Translate a query as `translate` does, and tell its columns and parameters; the arguments are the same."""
    if engine not in t.get_args(TargetEngine):
        raise AdqlError(f"The engine is 'duckdb' or 'spark', not {engine!r}")
    try:
        query, columns, converted = _resolved(adql, catalogue, functions, values, strict)
        models = _asked(query)
        told: list[str] = []
        try:
            marked = _written(query, Writer(adql, catalogue is None), told, rewrites, engine)
        except AdqlError:
            # A rewrite may come first upon the second of two mistakes, or make a long query too long.
            query, columns, converted = _resolved(adql, catalogue, functions, values, strict)
            told = []
            marked = _written(query, Writer(adql, catalogue is None), told, (), engine)
        sql = MARKED.sub(r"$\1", marked)
        sql = _in_spark(sql, adql) if engine == "spark" else sql
    except RecursionError:
        raise AdqlError("The query is too deeply nested", adql) from None
    if explain is not None:
        explain += [MARKED.sub(r"$\1", sentence) for sentence in told]
    parameters = tuple(dict.fromkeys(MARKED.findall(marked)))
    known = {name: found.column for name, found in columns.items() if found.column}
    return Translation(sql, known, parameters, converted, models)


def _resolved(
    adql: str,
    catalogue: Catalogue | None,
    functions: Mapping[str, ModelFunction] | None,
    values: Values | None,
    strict: bool,
) -> tuple[exp.Expr, Columns, dict[str, t.Any]]:
    """Parse a query and resolve its names; give its tree, which rewrites change in place, and its columns.

    The third is what values with units and times became.
    """
    query = Grammar(lexer.tokenize(adql), adql, strict, values).statement()
    columns = Resolver(adql, catalogue, functions).whole(query) or Columns(())
    given = values.values() if isinstance(values, Mapping) else () if values is None else values
    return query, columns, convert(query, adql) if any(map(is_physical, given)) else {}


def _asked(query: exp.Expr) -> dict[str, str]:
    """Find the models that the calls of a query ask, with their SHA-256."""
    asked = (model.asks(call.arguments) for call in every_of(query, Call) if (model := notes(call).model))
    return dict(filter(None, asked))


def _written(
    query: exp.Expr, writer: Writer, explain: list[str], rewrites: Collection[str], engine: TargetEngine
) -> str:
    """Rewrite a query whose names are resolved and write it in DuckDB's SQL, its parameters between marks."""
    if engine == "spark":
        from sedsql.adql.spark.rows import name_as_tables_do, write_columns, write_group_names, write_merged

        # What is stored is known by the row's alias, which no other rewrite needs.
        rewrite(query, writer.sql, explain, {"stored"} & set(rewrites))
        write_columns(query)
        write_merged(query)
        write_group_names(query)
        name_as_tables_do(query)
        rewrites = set(rewrites) - {"stored"} - NOT_IN_SPARK
    rewrite(query, writer.sql, explain, rewrites)
    writer.written = 0  # rewrites have some of it written more than once
    return writer.generate(query, copy=False)


def _in_spark(sql: str, adql: str) -> str:
    """Write DuckDB's SQL of a query in Spark's words."""
    from sedsql.adql.spark.generator import UnknownError, in_spark  # sqlglot's dialect takes its time

    try:
        return in_spark(sql)
    except UnknownError as reason:
        raise AdqlError(reason.sentence, adql, 0, len(adql)) from None
