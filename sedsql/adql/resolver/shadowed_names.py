"""Rename tables whose names DuckDB would take for columns of a query further in, or the other way round.

Gaia has columns b and l, and a query may call a table so.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from sedsql.adql.resolver.scope import Scope, Source
from sedsql.adql.tree.notes import notes


def is_shadowed(source: Source, scope: Scope) -> bool:
    """Whether a query between the table's own and `scope` has a column of the table's name.

    DuckDB may then look for a field of that in `b.ra`, and not for the column of the table b further out.
    """
    inside: list[Source] = []
    for level in scope.levels():
        if any(one is source for one in level.sources):
            break
        inside += level.sources
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
            found = notes(column)
            if found.row is source:
                column.set("this", name.copy())
            elif column.args.get("table") and source is (found.source or found.star_of):
                column.set("table", name.copy())
                column.set("db", None)
                column.set("catalog", None)
