"""Names of tables that DuckDB would take for something else: a column further in, or the other way round.

Gaia has columns b and l, and a query may call a table so.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from sedsql.adql.scope import Scope, Source


def is_shadowed(source: Source, scope: Scope) -> bool:
    """Whether queries between the one that has the table and `scope` have a column of the table's name.

    DuckDB may then look for a field of that in `b.ra`, and not for the column of the table b further out.
    """
    inside: list[Source] = []
    level: Scope | None = scope
    while level and not any(one is source for one in level.sources):
        inside += level.sources
        level = level.outer
    return any(source.name.lower() in (one.columns or ()) for one in inside)


def rename(query: exp.Expr, shadowed: Collection[Source]) -> None:
    """Give these tables names that nothing else in the query has."""
    if not shadowed:
        return
    taken = {name.name.lower() for name in query.find_all(exp.Identifier)}
    for source in shadowed:
        number = 1
        while f"{source.name.lower()}_{number}" in taken:
            number += 1
        source.name, source.parts = f"{source.name}_{number}", ()
        taken.add(source.name.lower())
        name = exp.Identifier(this=source.name, quoted=source.quoted)
        if source.node:
            alias = source.node.args.get("alias")
            columns = alias.args.get("columns") if alias else None
            source.node.set("alias", exp.TableAlias(this=name.copy(), columns=columns))
        for column in query.find_all(exp.Column):
            if column.meta.get("row") is source:
                column.set("this", name.copy())
            elif column.args.get("table") and source is column.meta.get("source", column.meta.get("star_of")):
                column.set("table", name.copy())
                column.set("db", None)
                column.set("catalog", None)
