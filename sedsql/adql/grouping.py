"""What a query that groups may ask for: what it groups by, and aggregates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlglot import exp

from sedsql.adql.scope import Scope


def ungrouped(select: exp.Select, scope: Scope, aliases: Mapping[str, exp.Expr]) -> tuple[exp.Expr, str, str] | None:
    """Where a query that groups asks for a column as it is which it does not group by, the sentence, and a hint.

    DuckDB says the same, in words of the query that it is handed; those are not always the user's.
    """
    group, having, order = (select.args.get(key) for key in ("group", "having", "order"))
    asked = [part for part in (*select.expressions, having, order) if part]
    if not group and not having and not any(_aggregates(part) for part in asked):
        return None
    keys = [_meant(key, aliases) for key in group.expressions] if group else []
    if any(isinstance(key, exp.Literal) for key in keys):  # a place in the SELECT list
        return None
    column = next(_alone(asked, scope, keys), None)
    if column is None:
        return None
    place: exp.Expr = column  # which is nowhere in the query if a function takes it of its row
    while not any("start" in part.meta for part in place.walk()) and place.parent:
        place = place.parent
    return place, f"'{column.name}' is neither in GROUP BY nor in a function such as MAX", "add it to GROUP BY"


def _meant(key: exp.Expr, aliases: Mapping[str, exp.Expr]) -> exp.Expr:
    is_alias = isinstance(key, exp.Column) and "source" not in key.meta and not key.args.get("table")
    return aliases.get(key.name.lower(), key) if is_alias else key


def _aggregates(node: exp.Expr) -> bool:
    found = node.walk(prune=lambda part: isinstance(part, exp.Query))
    return any(isinstance(part, exp.AggFunc) for part in found)


def _alone(asked: list[exp.Expr], scope: Scope, keys: list[exp.Expr]) -> Iterator[exp.Column]:
    """The columns of a query's own that are neither in an aggregate nor in something that is grouped by."""
    known, types = {_told(key) for key in keys}, {type(key.unnest()) for key in keys}

    def is_known(part: exp.Expr) -> bool:
        return type(part) in types and _told(part) in known

    def is_whole(part: exp.Expr) -> bool:
        return isinstance(part, exp.AggFunc | exp.Query | exp.Column) or is_known(part)

    for part in (part for one in asked for part in one.walk(bfs=False, prune=is_whole)):
        if isinstance(part, exp.Column) and not isinstance(part.this, exp.Star) and not is_known(part):
            source = part.meta.get("source")
            if any(source is one for one in scope.sources) and part.name.lower() not in scope.merged:
                yield part


def _told(node: Any) -> Any:
    """What is the same for expressions that mean the same, however they name a column."""
    if isinstance(node, exp.Paren):
        return _told(node.this)
    if isinstance(node, exp.Column) and "source" in node.meta:
        return id(node.meta["source"]), node.name.lower()
    if isinstance(node, exp.Expr):
        return type(node), *((key, _told(value)) for key, value in node.args.items() if value)
    return tuple(map(_told, node)) if isinstance(node, list) else node
