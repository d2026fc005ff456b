"""Take a SELECT apart and put it together again, for the rewrites."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from sedsql.adql.resolver.scope import Source
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.parts import every_of


def is_brackets(table: exp.Expr) -> bool:
    """Whether a table of FROM is a join in brackets, `(a JOIN b ON ...)`, and not a subquery, which has a name."""
    return isinstance(table, exp.Subquery) and not table.args.get("alias")


def conjuncts(condition: exp.Expr | None) -> list[exp.Expr]:
    """The parts of a condition that AND joins."""
    parts: list[exp.Expr] = []
    left = [condition] if condition is not None else []
    while left:
        node = left.pop()
        if isinstance(node, exp.And):
            left += [node.expression, node.this]
        elif isinstance(node, exp.Paren) and isinstance(node.this, exp.And | exp.Paren):
            left.append(node.this)
        else:
            parts.append(node)
    return parts


def joined(parts: Sequence[exp.Expr]) -> exp.Expr | None:
    """The parts, joined by AND again."""
    whole: exp.Expr | None = None
    for part in parts:
        part = exp.Paren(this=part) if isinstance(part, exp.Or) else part
        whole = exp.And(this=whole, expression=part) if whole is not None else part
    return whole


def is_star(item: exp.Expr) -> bool:
    """Whether an item of SELECT is `*` or `t.*`."""
    return isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star))


def tables_of(select: exp.Select) -> Iterator[exp.Table]:
    """Give the tables of FROM that are not joined in brackets."""
    for part in (select.args["from_"], *(select.args.get("joins") or [])):
        if isinstance(part.this, exp.Table) and not part.this.args.get("joins"):
            yield part.this


def is_named_with_schema(select: exp.Select, source: Source) -> bool:
    """Whether a column of a table, or all of them, are named with its schema, which a subquery does not have."""
    return any(
        column.args.get("db") and source in (notes(column).source, notes(column).star_of)
        for column in every_of(select, exp.Column)
    )


def column_of(source: Source, name: str) -> exp.Column:
    """A column of a table of FROM."""
    table = exp.Identifier(this=source.name, quoted=source.quoted)
    made = exp.Column(this=exp.Identifier(this=name), table=table)
    notes(made).source = source
    return made


def without_stars(select: exp.Select) -> list[exp.Expr] | None:
    """The items of a SELECT with `*` and `t.*` written out; None where the columns cannot be named."""
    items: list[exp.Expr] = []
    scope = notes(select).scope
    for item in select.expressions:
        if not is_star(item):
            items.append(item)
            continue
        star = isinstance(item, exp.Star)
        if scope is None or (star and scope.merged):
            return None
        for source in scope.sources:
            if star or source.is_called(item.args["table"]):
                if source.columns is None or not source.columns.are_told_apart:
                    return None
                items += [column_of(source, known.name) for known in source.shown or ()]
    return items
