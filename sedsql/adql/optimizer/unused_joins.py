"""Replace a view by a version without unused joins."""

from __future__ import annotations

from functools import lru_cache

import sqlglot
from sqlglot import exp

from sedsql.adql.resolver.scope import Source
from sedsql.adql.resolver.select_parts import is_star, tables_of
from sedsql.adql.tree.nodes import Call, RawSQL
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.signature import Write


def without_unused_joins(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Replace a view by a version without the joins that the query does not use.

    DuckDB makes each LEFT JOIN of a view, whether a column of it is asked for or not: it cannot know that none makes
    a row two. The catalogue knows of some (`Table.one_to_one`).
    """
    scope = notes(select).scope
    if scope is None or scope.merged:
        return
    for node in tables_of(select):
        source = next((source for source in scope.sources if source.name == node.alias_or_name), None)
        view = source.table.one_to_one if source and source.table else None
        used = _used(select, source) if source and view else None
        if not source or not view or used is None:
            continue
        text, dropped = _lean(view, frozenset(used))
        if dropped:
            name = exp.TableAlias(this=exp.Identifier(this=source.name, quoted=source.quoted))
            node.replace(exp.Subquery(this=RawSQL(this=text), alias=name))
            explain.append(f"{source.name} is read without {', '.join(dropped)}, of which no column is used")


def _used(select: exp.Select, source: Source) -> set[str] | None:
    """Find the columns of a table that a query names, and those that other rewrites will; None for all of them."""
    table = source.table
    if table is None:
        return None
    used = {"source_id", (table.cell_column or "").lower(), *(name.lower() for name in table.position or ())}
    if any(map(is_star, select.expressions)):
        return None
    for part in select.walk():
        if isinstance(part, Call):
            model = notes(part).model
            if model and notes(part.arguments[0]).row is source:
                used.update(model.columns)
        elif isinstance(part, exp.Column) and notes(part).source is source:
            if part.args.get("db"):
                return None
            used.add(part.name.lower())
    return used


_parsed = lru_cache(sqlglot.parse_one)  # it takes longer than all else that is done to a query


@lru_cache(maxsize=256)
def _lean(view: str, used: frozenset[str]) -> tuple[str, list[str]]:
    """Write the SELECT of a view with the used columns alone; name the tables that it no longer joins."""
    query = _parsed(view, read="duckdb").expression.copy()
    query.set("expressions", [item for item in query.expressions if item.alias_or_name.lower() in used])
    joins, dropped = query.args.get("joins") or [], []
    for join in reversed(list(joins)):
        name = join.this.alias_or_name
        others = (*query.expressions, *(other for other in joins if other is not join))
        named = any(column.table == name for part in others for column in part.find_all(exp.Column))
        if join.side == "LEFT" and not named:
            joins.remove(join)
            dropped.append(name)
    left = {table.name for part in (query.args["from_"], *joins) for table in part.find_all(exp.Table)}
    if with_ := query.args.get("with_"):
        with_.set("expressions", [cte for cte in with_.expressions if cte.alias in left])
        if not with_.expressions:
            query.set("with_", None)
    return query.sql("duckdb"), dropped[::-1]
