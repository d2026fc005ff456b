"""Name the columns of an answer, and find out what ORDER BY means by such a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from sedsql.adql.resolver.scope import Scope, Source
from sedsql.adql.tree.nodes import Call
from sedsql.adql.tree.notes import notes


def named(item: exp.Expr) -> exp.Expr:
    """Give an item of SELECT its name in the answer: the function's, as in PostgreSQL, or the item's own words."""
    if isinstance(item, exp.Alias | exp.Column | exp.Star):
        return item
    name = item.name.lower() if isinstance(item, Call) else notes(item).text
    name = item.key if isinstance(item, exp.AggFunc | exp.Coalesce | exp.Case) else name
    return exp.Alias(this=item, alias=exp.to_identifier(name)) if name else item


def is_name(key: exp.Expr) -> bool:
    """Whether ORDER BY names a column and nothing more; such a name is looked up in the answer first."""
    return isinstance(key, exp.Column) and not key.args.get("table")


def ambiguous(
    key: exp.Expr, select: exp.Select, scope: Scope, aliases: Mapping[str, exp.Expr]
) -> tuple[exp.Expr, str, str] | None:
    """Find a name in ORDER BY that has two meanings: its node, the sentence about it, and a hint; or None.

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
    """Identify the columns of an answer that are called `name`: by table and column, and any other by its words."""
    for item in select.expressions:
        value = item.this if isinstance(item, exp.Alias) else item
        if isinstance(value, exp.Star):
            sources = scope.sources[:1] if name in scope.merged else scope.sources
            yield from ((id(source), name) for source in sources if _shows(source, name))
        elif isinstance(value, exp.Column) and isinstance(value.this, exp.Star):
            named_so = (source for source in scope.sources if source.is_called(value.args["table"]))
            yield from ((id(source), name) for source in named_so if _shows(source, name))
        elif item.alias_or_name.lower() == name:
            found = notes(value)
            is_column = isinstance(value, exp.Column) and found.source
            yield (id(found.source), value.name.lower()) if is_column else (found.text or value.name).lower()


def _shows(source: Source, name: str) -> bool:
    return any(known.name.lower() == name for known in source.shown or ())


def _is_column(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Column) and notes(node).source is not None and node.name.lower() == name
