"""Find conditions that no row can meet, or every row does, and coordinates in the wrong order, whatever a table has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from sedsql.adql.geometry.numbers import constant
from sedsql.adql.resolver import model_output
from sedsql.adql.resolver.operands import COMPARISONS, Wrong, compared
from sedsql.adql.tree import value_types
from sedsql.adql.tree.nodes import Call, text_of
from sedsql.adql.tree.notes import notes

_PLACES = {"POINT": 2, "CIRCLE": 3, "BOX": 4, "DISTANCE": 4, "POLYGON": None}
"""Functions that take coordinates, with the numbers that they take without a coordinate system."""


def impossible(node: exp.Expr, aliases: model_output.Aliases) -> Wrong | None:
    """Find a comparison that tells nothing of the rows, or a declination in the place of a right ascension."""
    if isinstance(node, Call):
        return _swapped(node)
    never = model_output.never(node, aliases) if isinstance(node, exp.EQ | exp.NEQ | exp.In) else None
    if never is not None:
        return never
    if isinstance(node, exp.Like | exp.ILike):
        return _never_like(node, aliases)
    if isinstance(node, COMPARISONS):
        for one, other in compared(node):
            if wrong := _with_null(one, other) or _with_several(one, other) or _beyond(one, other, aliases):
                return wrong
    return None


def _with_null(one: exp.Expr, other: exp.Expr) -> Wrong | None:
    for value, beside in ((one, other), (other, one)):
        if isinstance(value.unnest(), exp.Null):
            return beside, "A comparison with NULL is never true", "write IS NULL or IS NOT NULL"
    return None


def _with_several(one: exp.Expr, other: exp.Expr) -> Wrong | None:
    for value, beside in ((one, other), (other, one)):
        given = notes(value).value if isinstance(value, exp.Parameter) else None
        if isinstance(given, list) and value_types.of(beside) is not None:
            message = f"A list of {len(given):,} values is handed in for one value"
            return value, message, "write a ? for each, or upload a table of them and join with it"
    return None


def _beyond(one: exp.Expr, other: exp.Expr, aliases: model_output.Aliases) -> Wrong | None:
    """Find a share, such as a probability, that is compared with a number below 0 or above 1."""
    for share, limit in ((one, other), (other, one)):
        number = constant(limit)
        if number is not None and not 0 <= number <= 1 and model_output.is_share(share, aliases):
            percent = f"in percent? then write {number / 100:g}" if 1 < number <= 100 else None
            return limit, f"{model_output.name_of(share)} lies between 0 and 1, never at {number:g}", percent
    return None


def _never_like(node: exp.Expr, aliases: model_output.Aliases) -> Wrong | None:
    """Find a pattern that nothing fits that a model says."""
    texts, pattern = model_output.texts_of(node.this, aliases), text_of(node.expression.unnest())
    if texts is None or pattern is None:
        return None
    fitting = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in pattern)
    folded = re.IGNORECASE if isinstance(node, exp.ILike) else re.NOFLAG
    if "\\" in pattern or any(re.fullmatch(fitting, text, folded | re.DOTALL) for text in texts):
        return None
    hint = model_output.meant(pattern.strip("%_"), texts) or f"it is one of {', '.join(dict.fromkeys(texts))}"
    return node.expression, f"{model_output.name_of(node.this)} is never like '{pattern}'", hint


def _swapped(node: Call) -> Wrong | None:
    """Find a declination of the catalogue in the place of a right ascension that stands in its place."""
    if node.name not in _PLACES:
        return None
    for one, other in _pairs(node.arguments, _PLACES[node.name]):
        if _ucd(one).startswith("pos.eq.dec") and _ucd(other).startswith("pos.eq.ra"):
            message = f"{node.name} takes the right ascension first, and {one.name} is a declination"
            return one, message, f"write {other.sql()}, {one.sql()}"
    return None


def _pairs(arguments: list[exp.Expr], width: int | None) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    numbers = arguments[1:] if len(arguments) % 2 != (width or 0) % 2 else arguments
    yield from zip(numbers[::2], numbers[1::2], strict=False)


def _ucd(node: exp.Expr) -> str:
    known = model_output.known_column(node) if isinstance(node, exp.Column) else None
    return str(getattr(known.column, "ucd", None) or "") if known else ""
