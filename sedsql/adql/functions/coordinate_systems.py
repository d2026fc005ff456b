"""Check the coordinate system that a geometry may begin with (ADQL 2.0, section 2.4.1; deprecated in 2.1)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from sedsql.adql.geometry.stcs import is_system
from sedsql.adql.tree.nodes import text_of

_WITH_SYSTEM = ("POINT", "CIRCLE", "BOX", "POLYGON")


def wrong_system(name: str, form: str, arguments: Sequence[exp.Expr]) -> tuple[exp.Expr, str, str] | None:
    """Find what is given as a coordinate system and is none: its node, the sentence about it, and a hint.

    name : of the function, in upper case
    form : of its arguments, a letter each; the first is s where a coordinate system is given
    """
    if name not in _WITH_SYSTEM or form[0] != "s":
        return None
    given = arguments[0]
    text = text_of(given)
    # A parameter without a value may stand for any text.
    if isinstance(given, exp.Null | exp.Parameter) if text is None else is_system(text):
        return None
    message = "The coordinate system is no constant" if text is None else f"There is no coordinate system '{text}'"
    return given, message, "write 'ICRS', 'FK5', 'GALACTIC' or another of STC-S, or leave it out"
