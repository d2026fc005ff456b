"""The parts of a SELECT that rewrites take apart and put together again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from sedsql.adql.scope import Source


class Raw(exp.Expression):
    """SQL that is ready."""

    arg_types = {"this": True}  # noqa: RUF012


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


def column_of(source: Source, name: str) -> exp.Column:
    """A column of a table of FROM."""
    table = exp.Identifier(this=source.name, quoted=source.quoted)
    made = exp.Column(this=exp.Identifier(this=name), table=table)
    made.meta["source"] = source
    return made


def without_stars(select: exp.Select) -> list[exp.Expr] | None:
    """The items of a SELECT with `*` and `t.*` written out; None where the columns cannot be named."""
    items: list[exp.Expr] = []
    scope = select.meta.get("scope")
    for item in select.expressions:
        star = isinstance(item, exp.Star)
        if not star and not (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
            items.append(item)
            continue
        if scope is None or (star and scope.merged):
            return None
        for source in scope.sources:
            if star or source.is_called(item.args["table"]):
                if source.shown is None or not source.columns.are_told_apart:
                    return None
                items += [column_of(source, known.name) for known in source.shown]
    return items
