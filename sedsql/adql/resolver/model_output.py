"""Follow what models say of a row: which texts it may be, and where it alone decides an order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from sqlglot import exp

from sedsql.adql.resolver.scope import KnownColumn
from sedsql.adql.tree.nodes import Call, text_of
from sedsql.adql.tree.notes import notes

Aliases = Mapping[str, exp.Expr]


def known_output(node: exp.Expr) -> KnownColumn:
    """What is known of an expression as the output of models, in `texts`, `of_model` and `is_share` of a column."""
    return KnownColumn(texts=texts_of(node, {}), of_model=is_of_models(node, {}), is_share=is_share(node, {}))


def is_of_models(node: exp.Expr, aliases: Aliases) -> bool:
    """Whether an expression depends on the row by what models say of it, and by nothing else."""
    if isinstance(node, exp.Column) and not aliases:
        column = known_column(node)
        return column is not None and column.of_model
    found = False
    for part in node.walk(prune=_is_whole):
        if isinstance(part, Call) and notes(part).model:
            found = True
        elif isinstance(part, exp.Query):
            return False
        elif isinstance(part, exp.Column):
            known, alias = known_column(part), _alias(part, aliases)
            if not (known.of_model if known else alias is not None and is_of_models(alias, {})):
                return False
            found = True
    return found


def never(node: exp.Expr, aliases: Aliases) -> tuple[exp.Expr, str, str] | None:
    """Find a text that what models say is compared with and can never be: its node, the sentence about it, a hint."""
    for one, text in _compared(node):
        value = text_of(text.unnest())
        texts = texts_of(one, aliases) if value is not None else None
        if value is not None and texts is not None and value not in texts:
            hint = meant(value, texts) or f"it is one of {', '.join(dict.fromkeys(texts))}"
            return text, f"{name_of(one)} is never '{value}'", hint
    return None


def meant(text: str, texts: Collection[str]) -> str | None:
    """Ask whether one of these texts was meant, if one is like it."""
    wanted, by_lower = text.strip().lower(), {one.lower(): one for one in texts}
    begin = [one for one in by_lower if wanted and one.startswith(wanted)]
    if near := dict.fromkeys([*begin, *get_close_matches(wanted, by_lower)]):
        return f"did you mean {' or '.join(repr(by_lower[one]) for one in near)}?"
    return None


def _compared(node: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """Pairs of values that a condition compares for equality, from either side."""
    if isinstance(node, exp.In):
        yield from ((node.this, value) for value in node.expressions)
    else:
        yield node.this, node.expression
        yield node.expression, node.this


def is_share(node: exp.Expr, aliases: Aliases) -> bool:
    """Whether an expression is a number from 0 to 1 that a model gives, such as a probability."""
    node = node.unnest()
    if isinstance(node, Call):
        model = notes(node).model
        return model is not None and model.is_share
    if not isinstance(node, exp.Column):
        return False
    known, alias = known_column(node), _alias(node, aliases)
    return known.is_share if known else alias is not None and is_share(alias, {})


def texts_of(node: exp.Expr, aliases: Aliases) -> Collection[str] | None:
    """All texts that models can give in the place of an expression; None where these are not known."""
    node = node.unnest()
    if isinstance(node, Call):
        model = notes(node).model
        return model.texts(node.arguments) if model else None
    if not isinstance(node, exp.Column):
        return None
    known, alias = known_column(node), _alias(node, aliases)
    return known.texts if known else texts_of(alias, {}) if alias is not None else None


def known_column(column: exp.Column) -> KnownColumn | None:
    """What is known of a column of a table or subquery."""
    source = notes(column).source
    return source.columns.get(column.name.lower()) if source and source.columns else None


def _alias(column: exp.Column, aliases: Aliases) -> exp.Expr | None:
    """The item of SELECT that a name stands for."""
    return None if notes(column).source or column.args.get("table") else aliases.get(column.name.lower())


def _is_whole(part: exp.Expr) -> bool:
    return isinstance(part, exp.Query) or (isinstance(part, Call) and notes(part).model is not None)


def name_of(node: exp.Expr) -> str:
    node = node.unnest()
    known = notes(node).known
    return known.name if known else node.name
