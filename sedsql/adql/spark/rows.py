"""Write columns as Spark takes them: by name in the place of a row's alias and of some `*`, and as their tables do."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sedsql.adql.resolver.scope import Scope
from sedsql.adql.resolver.select_parts import column_of
from sedsql.adql.tree.nodes import Call
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.parts import every_of


def write_columns(query: exp.Expr) -> None:
    """Replace the alias of a row in each call of a function that is handed in by the row's columns, in place."""
    for call in every_of(query, Call):
        function = notes(call).model
        source = notes(call.arguments[0]).row if call.arguments else None
        if function is None or source is None:
            continue
        others = call.arguments[1:]
        columns = [column_of(source, name) for name in function.columns]
        given = len(columns) + len(others)
        # One that takes a whole row and looks at its last columns alone gets NULL for the first.
        lacking = min((size for size in function.arity if size >= given), default=given) - given
        call.set("expressions", [*(exp.Null() for _ in range(lacking)), *columns, *others])


def write_merged(query: exp.Expr) -> None:
    """Write out `*` over what USING or NATURAL joins, and name the table of a column that they merge, in place.

    Spark has the merged columns first, and takes one for ambiguous where a third table has it too. The first table's
    is the merged one but where an outer join may leave that table out.
    """
    for select in every_of(query, exp.Select):
        scope = notes(select).scope
        joins: list[exp.Expr] = select.args.get("joins") or []
        # Joins in brackets have an order of their own, and stay as they are.
        flat = scope is not None and len(scope.sources) == 1 + len(joins)
        if scope is None or not flat or not scope.merged or any(source.shown is None for source in scope.sources):
            continue
        first = all(join.args.get("side") not in ("RIGHT", "FULL") for join in joins)
        for column in every_of(select, exp.Column):
            source = next((one for one in scope.sources if one is notes(column).source), None)
            if first and source and not column.table and column.name.lower() in scope.merged:
                column.set("table", exp.Identifier(this=source.name, quoted=source.quoted))
        items: list[exp.Expr] = []
        for item in select.expressions:
            items += list(_of_star(scope, joins, first)) if isinstance(item, exp.Star) else [item]
        select.set("expressions", items)


def _of_star(scope: Scope, joins: list[exp.Expr], first: bool) -> Iterator[exp.Expr]:
    """The columns of all tables in their order, a merged one where its first table has it."""
    before: set[str] = set()
    for place, source in enumerate(scope.sources):
        join = joins[place - 1] if place else None
        here = [known.name.lower() for known in source.shown or ()]
        using = {name.name.lower() for name in join.args.get("using") or ()} if join else set()
        merged = before & set(here) if join and join.args.get("method") == "NATURAL" else using
        for known in source.shown or ():
            name = known.name.lower()
            if name not in merged:
                alone = first or name not in scope.merged
                yield column_of(source, known.name) if alone else exp.Column(this=exp.Identifier(this=known.name))
        before |= set(here)


def write_group_names(query: exp.Expr) -> None:
    """Write the expression in the place of a name of SELECT in GROUP BY that Spark takes for a path, in place."""
    for select in every_of(query, exp.Select):
        aliases = {item.alias: item.this for item in select.expressions if isinstance(item, exp.Alias)}
        for key in select.args["group"].expressions if select.args.get("group") else ():
            if isinstance(key, exp.Column) and not key.table and "." in key.name and key.name in aliases:
                key.replace(aliases[key.name].copy())


def name_as_tables_do(query: exp.Expr) -> None:
    """Write each column as its table has it, in place: Spark names a column of the answer as the query writes it."""
    for column in every_of(query, exp.Column):
        source = notes(column).source
        known = source.columns.get(column.name.lower()) if source is not None and source.columns else None
        if known is not None and isinstance(column.this, exp.Identifier):
            column.this.set("this", known.name)
