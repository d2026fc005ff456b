"""Complete calls of a row by the columns that a query leaves out, write columns that functions give as calls."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from sedsql.adql.resolver.scope import Scope, Source
from sedsql.adql.resolver.select_parts import column_of
from sedsql.adql.tree.model_function import ModelFunction
from sedsql.adql.tree.nodes import Call, call, text_of
from sedsql.adql.tree.notes import notes


def complete(node: Call, function: ModelFunction, source: Source, scope: Scope) -> None:
    """Add to a call of a row the other columns that the function takes, and the model, if the query leaves them out."""
    row, *others = node.arguments
    source.used.update(function.columns)
    found = function.completed([text_of(argument) for argument in others], source.numbers) if source.columns else None
    if found is not None:
        names, model = found
        own, named = (others[:-1], others[-1:]) if model is None else (others, [exp.Literal.string(model)])
        others = [*(_column(name, source) for name in names), *own, *named]
        source.used.update(name for name in names if name)
    node.set("expressions", [*_row(row, function, len(others), source, scope), *others])


def _row(alias: exp.Expr, function: ModelFunction, others: int, source: Source, scope: Scope) -> list[exp.Expr]:
    """Choose what stands for a row in a call with so many other arguments: its alias, or its columns.

    DuckDB takes the alias for a column where there is one of that name, such as Gaia's b and l.
    """
    if not any(source.name.lower() in (other.columns or ()) for other in scope.every()):
        return [alias]
    columns = [_column(name, source) for name in function.columns]
    if len(columns) + others in function.arity:
        return columns
    fields = zip(function.columns, columns, strict=True)
    return [exp.Struct(expressions=[exp.PropertyEQ(this=exp.Identifier(this=k), expression=v) for k, v in fields])]


def column_call(name: str, function: ModelFunction, source: Source, scope: Scope) -> exp.Expr:
    """Write a column that a function gives: the call of the function, or the constant that it is for all rows."""
    constant = function.constant(source.numbers)
    if constant is not None:
        # A literal alone would be no value to DuckDB's GROUP BY and ORDER BY.
        return exp.Cast(this=exp.Literal.string(constant), to=exp.DataType(this=exp.DType.VARCHAR))
    row = exp.Column(this=identifier(source))
    notes(row).row = source
    made = call(name, [row], model=function)
    complete(made, function, source, scope)
    return made


def leave_out(source: Source) -> None:
    """Remove from a subquery the columns that functions give and the query around it does not use."""
    select = source.query
    if not isinstance(select, exp.Select) or any(select.args.get(key) for key in ("distinct", "group", "order")):
        return
    kept = [
        item
        for item in select.expressions
        if not (isinstance(item, exp.Alias) and notes(item.this).known) or item.alias.lower() in source.used
    ]
    select.set("expressions", kept or select.expressions)


def read_base(node: exp.Expr, name: Any, base: str) -> None:
    """Replace a table of FROM by the one that it is based on, under the same name."""
    schema, table = base.split(".")
    node.set("catalog", None)
    node.set("db", exp.Identifier(this=schema))
    node.set("this", exp.Identifier(this=table))
    if not node.args.get("alias"):
        node.set("alias", exp.TableAlias(this=name.copy()))


def write_stars(select: exp.Select, scope: Scope) -> None:
    """Write out `*` and `t.*` where they include columns that functions give, which the table that is read lacks."""
    items: list[exp.Expr] = []
    for item in select.expressions:
        whole = isinstance(item, exp.Star)
        sources = [source for source in scope.sources if whole or _is_of(item, source)]
        if not any(source.asked for source in sources) or any(source.shown is None for source in sources):
            items.append(item)
            continue
        joined: set[str] = set()
        for source in sources:
            for known in source.shown or ():
                name = known.name.lower()
                if not (whole and name in scope.merged):
                    items.append(exp.Column(this=exp.Identifier(this=known.name), table=identifier(source)))
                elif name not in joined:
                    items.append(exp.Column(this=exp.Identifier(this=known.name)))
                    joined.add(name)
    select.set("expressions", items)


def identifier(source: Source) -> exp.Identifier:
    """The name of a table of FROM."""
    return exp.Identifier(this=source.name, quoted=source.quoted)


def _is_of(item: exp.Expr, source: Source) -> bool:
    """Whether an item is `t.*` of the table."""
    if not isinstance(item, exp.Column) or not isinstance(item.this, exp.Star):
        return False
    parts = [item.args[key] for key in ("catalog", "db", "table") if item.args.get(key)]
    if len(parts) == 1:
        return source.is_called(parts[0])
    wanted = tuple(part.name.lower() for part in parts)
    return source.parts[-len(wanted) :] == wanted


def _column(name: str | None, source: Source) -> exp.Expr:
    return exp.Null() if name is None else column_of(source, name)
