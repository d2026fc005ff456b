"""Check that aggregates stand where they may, and that a query which groups asks for nothing else but its keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlglot import exp

from sedsql.adql.functions import registry as language
from sedsql.adql.resolver.scope import Scope
from sedsql.adql.resolver.select_parts import is_star
from sedsql.adql.tree.nodes import Call
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.parts import parts_of

Wrong = tuple[exp.Expr, str, str | None]
"""What is wrong in a query: the node, the sentence about it, and a hint."""


def is_aggregate(node: exp.Expr) -> bool:
    """Whether it is a call of an aggregate, of SQL or a user-defined one."""
    if isinstance(node, Call):
        function = language.find(node.name)
        return function is not None and function.aggregate
    return isinstance(node, exp.AggFunc)


def misplaced(
    select: exp.Select, conditions: list[exp.Expr], scope: Scope, aliases: Mapping[str, exp.Expr]
) -> Wrong | None:
    """Find an aggregate where there are no groups yet: in WHERE, ON, GROUP BY, or in another aggregate.

    conditions : of the query's joins
    """
    group, where = select.args.get("group"), select.args.get("where")
    for clause, word in [(where, "WHERE"), *((condition, "ON") for condition in conditions)]:
        for found in _aggregates_of(clause) if clause else ():
            if _is_of_outer(found, scope):
                continue
            return found, f"{word} looks at rows, and {_name(found)} at groups of rows", "write HAVING"
    for key in group.expressions if group else ():
        meant = _meant(key, aliases, select)
        if isinstance(meant.unnest(), exp.Parameter):
            return key, "GROUP BY takes a column, and this is a value", "leave it out"
        if _aggregates_of(meant):
            return key, "GROUP BY makes the groups that this is computed of", "group by a column"
    for key in select.args["order"].expressions if select.args.get("order") else ():
        if isinstance(key.this.unnest(), exp.Parameter):
            return key.this, "ORDER BY takes a column, and this is a value", "leave it out"
    for part in (*select.expressions, select.args.get("having"), select.args.get("order")):
        for found in _aggregates_of(part) if part else ():
            for inner in _aggregates_of(found):
                if inner is not found:
                    message = f"{_name(found)} cannot be computed of {_name(inner)}"
                    return inner, message, "compute the inner one in a subquery"
    return None


def misnumbered(select: exp.Select, columns: int | None) -> Wrong | None:
    """Find a number in GROUP BY or ORDER BY that numbers no column of the answer, or another constant.

    columns : how many the answer has, if that is known
    """
    for clause, word in (("group", "GROUP BY"), ("order", "ORDER BY")):
        found = select.args.get(clause)
        for key in found.expressions if found else ():
            key = key.this if isinstance(key, exp.Ordered) else key
            if wrong := _constant(key.unnest(), word, columns):
                return wrong
    return None


def misnumbered_in_union(order: exp.Expr, columns: int) -> Wrong | None:
    """Find in the ORDER BY of UNION and the like a number that numbers none of so many columns, or an aggregate."""
    for key in (ordered.this for ordered in order.expressions):
        if found := _aggregates_of(key):
            return found[0], f"{_name(found[0])} looks at groups of rows, and UNION and the like have none", None
        if wrong := _constant(key.unnest(), "ORDER BY", columns):
            return wrong
    return None


def _constant(key: exp.Expr, word: str, columns: int | None) -> Wrong | None:
    """Find out whether a key is a constant that numbers no column."""
    is_name = isinstance(key, exp.Literal) and key.is_string and word == "GROUP BY"
    if is_name or not isinstance(key.this if isinstance(key, exp.Neg) else key, exp.Literal | exp.Boolean | exp.Null):
        return None
    if isinstance(key, exp.Boolean | exp.Null) and word == "GROUP BY":
        return None
    if not isinstance(key, exp.Literal) or not key.this.isdigit() or key.is_string:
        return key, f"{word} takes a column, or the number of one", "name a column"
    return _misnumbered(key, word, columns) if columns is not None and not 1 <= int(key.this) <= columns else None


def _misnumbered(key: exp.Expr, word: str, count: int) -> Wrong:
    return key, f"{word} asks for column {key.this} of an answer that has {count}", "name a column"


def _is_of_outer(aggregate: exp.Expr, scope: Scope) -> bool:
    """Whether it is computed of columns of a query further out, whose groups it looks at."""
    sources = [notes(column).source for column in parts_of(aggregate, exp.Column)]
    return bool(sources) and not any(source is one for source in sources for one in scope.sources)


def _aggregates_of(node: exp.Expr) -> list[exp.Expr]:
    return [found for found in parts_of(node, exp.Expr) if is_aggregate(found)]


def _name(node: exp.Expr) -> str:
    return node.name.upper() if isinstance(node, Call) else node.key.upper()


def ungrouped(select: exp.Select, scope: Scope, aliases: Mapping[str, exp.Expr]) -> Wrong | None:
    """Find a column that is neither grouped by nor in an aggregate: its node, the sentence about it, and a hint.

    DuckDB says the same, in words of the query that it is handed; those are not always the user's.
    """
    group, having, order = (select.args.get(key) for key in ("group", "having", "order"))
    asked = [part for part in (*select.expressions, having, order) if part]
    if not group and not having and not any(_aggregates_of(part) for part in asked):
        return None
    keys = [_meant(key, aliases, select) for key in group.expressions] if group else []
    if any(isinstance(key, exp.Literal) and not key.is_string for key in keys):  # a constant, or a place after a star
        return None
    if star := next(_stars(select, scope, keys), None):
        return star
    column = next(_alone(asked, scope, keys), None)
    if column is None:
        return None
    place: exp.Expr = column  # which is nowhere in the query if a function takes it of its row
    while not any(notes(part).start is not None for part in place.walk()) and place.parent:
        place = place.parent
    return place, f"'{column.name}' is neither in GROUP BY nor in a function such as MAX", "add it to GROUP BY"


def _meant(key: exp.Expr, aliases: Mapping[str, exp.Expr], select: exp.Select) -> exp.Expr:
    """What a key of GROUP BY stands for: an item of SELECT by its name or number, or itself."""
    if isinstance(key, exp.Literal) and not key.is_string and key.this.isdigit():
        stars = any(map(is_star, select.expressions))
        place = int(key.this)
        item = select.expressions[place - 1] if not stars and 1 <= place <= len(select.expressions) else key
        return item.this if isinstance(item, exp.Alias) else item
    is_alias = isinstance(key, exp.Column) and not notes(key).source and not key.args.get("table")
    return aliases.get(key.name.lower(), key) if is_alias else key


def _stars(select: exp.Select, scope: Scope, keys: list[exp.Expr]) -> Iterator[Wrong]:
    """Find `*` and `t.*` that stand for a column which is not grouped by."""
    known = {_told(key) for key in keys}
    for item in select.expressions:
        if not is_star(item):
            continue
        for source in scope.sources if isinstance(item, exp.Star) else [notes(item).star_of]:
            for column in (source.shown if source else None) or ():
                name = column.name.lower()
                if (id(source), name) not in known and name not in scope.merged:
                    message = f"'*' has '{column.name}', which is neither in GROUP BY nor in a function such as MAX"
                    yield item, message, "name the columns"


def _alone(asked: list[exp.Expr], scope: Scope, keys: list[exp.Expr]) -> Iterator[exp.Column]:
    """The columns of the query's own tables that are neither in an aggregate nor in an expression of GROUP BY."""
    known, types = {_told(key) for key in keys}, {type(key.unnest()) for key in keys}
    named = {key.name.lower() for key in keys if isinstance(key, exp.Column)}

    def is_known(part: exp.Expr) -> bool:
        return type(part) in types and _told(part) in known

    def is_whole(part: exp.Expr) -> bool:
        return is_aggregate(part) or isinstance(part, exp.Query | exp.Column) or is_known(part)

    for part in (part for one in asked for part in one.walk(bfs=False, prune=is_whole)):
        if isinstance(part, exp.Column) and not isinstance(part.this, exp.Star) and not is_known(part):
            source, row = notes(part).source, notes(part).row  # the row of a function is all of its columns
            is_merged = not row and part.name.lower() in scope.merged & named
            if any((row or source) is one for one in scope.sources) and not is_merged:
                yield part


def _told(node: Any) -> Any:
    """A key that is the same for expressions that mean the same, however they name a column."""
    if isinstance(node, exp.Paren):
        return _told(node.this)
    if isinstance(node, exp.Column) and (source := notes(node).source):
        return id(source), node.name.lower()
    if isinstance(node, exp.Expr):
        return type(node), *((key, _told(value)) for key, value in node.args.items() if value)
    return tuple(map(_told, node)) if isinstance(node, list) else node
