"""Resolve the tables of FROM: find them in the catalogue, and bring them into scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from sedsql.adql.resolver import row_calls
from sedsql.adql.resolver.context import Context, nearest
from sedsql.adql.resolver.scope import Columns, KnownColumn, Scope, Source
from sedsql.adql.resolver.select_parts import is_brackets
from sedsql.adql.tree import value_types

CTEs = Mapping[str, Columns | None]
"""The columns of the queries of WITH, by lower-case name; None where they cannot be known."""

Condition = tuple[exp.Expr, int]
"""The condition of a join, and how many of the query's tables it knows."""

# What DuckDB, or an extension of it, would open as a file where it knows no table of that name: it puts the
# parts of a name together with dots and looks at the ending.
_FILES = re.compile(
    r"\.(csv|tsv|txt|parquet|parq|pq|json|jsonl|ndjson|geojson|xlsx?|avro|arrows?|feather|ipc|orc|vortex|lance|db|ddb|duckdb"
    r"|sqlite3?|shp|gpkg|fgb|gdb|kml|gml|osm|pbf|h5|hdf5|gz|zst|bz2|xz|zip|tar)(?![A-Za-z0-9_])|://",
    re.IGNORECASE,
)


class Tables:
    """Finds tables in the catalogue; `query` resolves a subquery and gives its columns."""

    def __init__(self, context: Context, query: Callable[[exp.Expr, CTEs], Columns | None]):
        self.context, self.query = context, query
        self.catalogue = context.catalogue
        self.short: dict[str, list[str]] = {}
        for key in self.catalogue.tables if self.catalogue else ():
            self.short.setdefault(key.rsplit(".", 1)[-1], []).append(key)

    def bring(self, node: exp.Expr, scope: Scope, ctes: CTEs) -> list[Condition]:
        """Add what a table reference brings to the scope; give the conditions of its joins, to be resolved later."""
        conditions: list[Condition] = []
        first = len(scope.sources)
        if is_brackets(node):
            conditions = self.bring(node.this, scope, ctes)
        else:
            source = self.subquery(node, ctes) if isinstance(node, exp.Subquery) else self.table(node, ctes)
            if any(_same(source, other) for other in scope.sources) and self.catalogue is not None:
                message = f"'{source.name}' stands twice in FROM"
                raise self.context.error(node, message, "give one of them another name")
            source.node = node
            scope.sources.append(source)
        for join in node.args.get("joins") or []:
            conditions += self.join(join, scope, ctes, first)
        return conditions

    def join(self, join: exp.Expr, scope: Scope, ctes: CTEs, first: int = 0) -> list[Condition]:
        """Add the table of a join to the scope, and the columns that NATURAL or USING merges; see `bring`.

        first : the place in the scope of the first table that is joined; in `a, b JOIN c` that is b's
        """
        before, merged = scope.sources[first:], set(scope.merged)
        conditions = self.bring(join.this, scope, ctes)
        left, right = _names(before), _names(scope.sources[first + len(before) :])
        if join.args.get("method") and left is not None and right is not None:
            for key in sorted(left & right):
                self.check_merged(join.this, key, "NATURAL JOIN", before, merged)
            scope.merged |= left & right
        if wrong := sorted(scope.merged & {name for source in scope.sources for name in source.asked}):
            message = f"NATURAL JOIN compares '{wrong[0]}', which a model gives"
            raise self.context.error(join.this, message, "write ON")
        for name in join.args.get("using") or []:
            self.check_merged(name, name.name.lower(), "USING", before, merged)
            self.merge(name, left, right, scope)
        for source in scope.sources:
            source.used |= scope.merged
        if on := join.args.get("on"):
            conditions.append((on, len(scope.sources)))
        return conditions

    def check_merged(self, node: exp.Expr, key: str, word: str, before: list[Source], merged: set[str]) -> None:
        """Check that one table before a join has a column by which it is joined, or an earlier join merged it."""
        owners = [source for source in before if key in (source.columns or ())]
        if self.catalogue is not None and len(owners) > 1 and key not in merged:
            choices = " or ".join(f"{source.name}.{key}" for source in owners)
            raise self.context.error(node, f"{word} asks for '{key}', which may be {choices}", "write ON")

    def merge(self, name: exp.Expr, left: set[str] | None, right: set[str] | None, scope: Scope) -> None:
        """Merge a column of USING, which both sides must have; None are columns that are not known."""
        key = name.name.lower()
        if any(key in source.asked for source in scope.sources):
            message = f"USING cannot ask for '{name.name}', which a model gives"
            raise self.context.error(name, message, "write ON")
        for columns in (left, right):
            if self.catalogue is not None and columns is not None and key not in columns:
                message = f"USING asks for a column of both sides, and one has no '{name.name}'"
                raise self.context.error(name, message, nearest(name.name, columns))
        scope.merged.add(key)

    def subquery(self, node: exp.Subquery, ctes: CTEs) -> Source:
        columns = self.query(node.this, ctes)
        alias = node.args["alias"].this
        return Source(alias.name, alias.quoted, columns)

    def table(self, node: exp.Expr, ctes: CTEs) -> Source:
        """A query of WITH, or a table of the catalogue under the name that the rest of the query has for it."""
        parts = _parts(node)
        alias = node.args.get("alias")
        named = alias.this if alias else parts[-1]
        key = ".".join(part.name.lower() for part in parts)
        if len(parts) == 1 and key in ctes:
            return Source(named.name, named.quoted, ctes[key])
        if self.catalogue is None:
            self.refuse_files(node, parts)
            return Source(named.name, named.quoted, None, () if alias else tuple(key.split(".")))
        key = self.key_of(node, key, ctes)
        table = self.catalogue.tables[key]
        if table.base:
            row_calls.read_base(node, named, table.base)
        found = table.columns.values()
        columns = Columns(
            KnownColumn(value_types.of_datatype(column.datatype), column, column.name) for column in found
        )
        return Source(named.name, named.quoted, columns, () if alias else tuple(key.split(".")), table)

    def key_of(self, node: exp.Expr, key: str, ctes: CTEs) -> str:
        """The catalogue's name of a table; one that stands without its schema is given it, if it is the only one."""
        tables, parts = self.catalogue.tables if self.catalogue else {}, _parts(node)
        if key not in tables and len(parts) == 1:
            candidates = self.short.get(key, [])
            if len(candidates) > 1:
                message = f"There is more than one table '{key}'"
                raise self.context.error(node, message, f"write {' or '.join(candidates)}")
            if candidates:
                key = candidates[0]
                for name, part in zip(("db", "catalog"), reversed(key.split(".")[:-1]), strict=False):
                    node.set(name, exp.to_identifier(part, quoted=True))
        if key not in tables or not _as_written(parts, getattr(tables[key], "name", key)):
            written = ".".join(part.name for part in parts)
            hint = nearest(key, [*tables, *ctes], self.short)
            raise self.context.error(node, f"There is no table '{written}'", hint)
        return key

    def refuse_files(self, node: exp.Expr, parts: list[Any]) -> None:
        """Refuse names that DuckDB would take for a file; without a catalogue any other name goes."""
        if _FILES.search(".".join(part.name for part in parts)):
            message = "A file is no table of ADQL"
            raise self.context.error(node, message, "load it into the database under a name of its own")


def _parts(node: exp.Expr) -> list[Any]:
    """The parts of a table's name, the schema first."""
    return [part for part in (node.args.get(key) for key in ("catalog", "db", "this")) if part]


def _as_written(parts: list[Any], name: str) -> bool:
    """Whether the delimited ones among the parts of a table's name have its very letters."""
    at = 0
    for part in parts if len(".".join(part.name for part in parts)) == len(name) else ():
        if part.quoted and name[at : at + len(part.name)] != part.name:
            return False
        at += len(part.name) + 1
    return True


def _same(one: Source, other: Source) -> bool:
    """Whether two tables of a FROM clause cannot be told apart."""
    if one.name.lower() != other.name.lower():
        return False
    return not (one.parts and other.parts and one.parts != other.parts)


def _names(sources: list[Source]) -> set[str] | None:
    """The names of all columns of tables; None where they cannot be known."""
    names: set[str] = set()
    for source in sources:
        if source.columns is None:
            return None
        names |= set(source.columns)
    return names
