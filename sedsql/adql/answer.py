"""What the columns of an answer are called, and what ORDER BY means by a name of theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from sedsql.adql.nodes import Call
from sedsql.adql.scope import Scope, Source


def named(item: exp.Expr) -> exp.Expr:
    """An item of SELECT under the name that the answer has: of the function, as in PostgreSQL, or its words."""
    if isinstance(item, exp.Alias | exp.Column | exp.Star):
        return item
    name = item.name.lower() if isinstance(item, Call) else item.meta.get("text", "")
    name = item.key if isinstance(item, exp.AggFunc | exp.Coalesce | exp.Case) else name
    return exp.Alias(this=item, alias=exp.to_identifier(name)) if name else item


def is_name(key: exp.Expr) -> bool:
    """Whether ORDER BY asks for a name alone, which is one of the answer's first of all."""
    return isinstance(key, exp.Column) and not key.args.get("table")


def ambiguous(
    key: exp.Expr, select: exp.Select, scope: Scope, aliases: Mapping[str, exp.Expr]
) -> tuple[exp.Expr, str, str] | None:
    """What of ORDER BY has two meanings, the sentence about it, and what would work; or None.

    A name alone is the answer's. Within an expression it is a table's in PostgreSQL, and the answer's elsewhere.
    """
    if is_name(key):
        if len(set(_called(key.name.lower(), select, scope))) > 1:
            return (key, f"'{key.name}' is ambiguous: several columns of the answer are called that",
                    "give one of them another name")  # fmt: skip
        return None
    for part in key.find_all(exp.Column):
        alias = aliases.get(part.name.lower()) if is_name(part) else None
        owner = next((source.name for source in scope.sources if source.has(part.this)), None)
        if alias is not None and owner and not _is_column(alias, part.name.lower()):
            return (part, f"'{part.name}' is ambiguous: a column of the answer and one of '{owner}'",
                    f"write {owner}.{part.name}, or give the answer's another name")  # fmt: skip
    return None


def _called(name: str, select: exp.Select, scope: Scope) -> Iterator[object]:
    """What tells the columns of an answer apart that have a name: the columns of tables, and others by their words."""
    for item in select.expressions:
        value = item.this if isinstance(item, exp.Alias) else item
        if isinstance(value, exp.Star):
            sources = scope.sources[:1] if name in scope.merged else scope.sources
            yield from ((id(source), name) for source in sources if _shows(source, name))
        elif isinstance(value, exp.Column) and isinstance(value.this, exp.Star):
            named_so = (source for source in scope.sources if source.is_called(value.args["table"]))
            yield from ((id(source), name) for source in named_so if _shows(source, name))
        elif item.alias_or_name.lower() == name:
            is_column = isinstance(value, exp.Column) and "source" in value.meta
            text = value.meta.get("text", value.name).lower()
            yield (id(value.meta["source"]), value.name.lower()) if is_column else text


def _shows(source: Source, name: str) -> bool:
    return any(known.name.lower() == name for known in source.shown or ())


def _is_column(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Column) and "source" in node.meta and node.name.lower() == name
