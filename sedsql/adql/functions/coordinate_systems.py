"""Check the coordinate system that a geometry may begin with (ADQL 2.0, section 2.4.1; deprecated in 2.1).

Numbers are taken as they are in any system, so geometries of different ones are refused where they meet.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from sedsql.adql.geometry.stcs import FRAMES, is_system
from sedsql.adql.tree import value_types
from sedsql.adql.tree.nodes import Call, text_of
from sedsql.adql.tree.notes import notes

_WITH_SYSTEM = ("POINT", "CIRCLE", "BOX", "POLYGON")
_TURNS = ("IVO_GEOM_TRANSFORM", "GAVO_TRANSFORM")
_MEET = (*_WITH_SYSTEM, "CONTAINS", "INTERSECTS", "DISTANCE")
_LIKE = {"J2000": "ICRS", "FK5": "ICRS", "B1950": "FK4"}
"""Frames that count as another one: FK5 of J2000 and the ICRS lie within 0.03 arcseconds."""


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


def frame_of(node: exp.Expr | None) -> str | None:
    """The frame that the positions of a geometry are in, as it is written; None where it is not told."""
    node = node.unnest() if node is not None else None
    if isinstance(node, exp.Column):
        source = notes(node).source
        known = source.columns.get(node.name.lower()) if source is not None and source.columns else None
        return known.frame if known else None
    if not isinstance(node, Call) or not node.arguments:
        return None
    if node.name in _TURNS:
        return _named(node.arguments[1])
    if node.name in _WITH_SYSTEM or node.name in ("REGION", "CENTROID"):
        own = _named(node.arguments[0])
        return own or next((found for one in node.arguments if (found := frame_of(one))), None)
    return None


def mixed_frames(node: Call) -> tuple[exp.Expr, str, str | None] | None:
    """Find a geometry in a call that is in another frame than those before it, with the sentence and a hint."""
    if node.name == "REGION":
        frames: list[tuple[exp.Expr, str | None]] = [
            (node.arguments[0], found) for found in _all_named(node.arguments[0])
        ]
    elif node.name in _TURNS:
        frames = [(one, _named(one) or frame_of(one)) for one in (node.arguments[0], node.arguments[2])]
    elif node.name in _MEET:
        frames = [(one, _named(one) or frame_of(one)) for one in node.arguments]
    else:
        return None
    known: str | None = None
    for argument, found in frames:
        if known and found and _LIKE.get(found, found) != _LIKE.get(known, known):
            turned = f"turn one of them: ivo_geom_transform('{found}', '{known}', ...)"
            hint = turned if node.name in _MEET else None
            return argument, f"{node.name} mixes positions in {known} and in {found}", hint
        known = known or found
    return None


def _named(node: exp.Expr) -> str | None:
    return next(iter(_all_named(node)), None)


def _all_named(node: exp.Expr) -> list[str]:
    """The frames that a constant text names, as a system or within a region of STC-S."""
    text = text_of(node) if value_types.of(node) is value_types.ValueType.STRING else None
    words = (text or "").upper().replace("(", " ").split()
    return [word for word in words if word in FRAMES and not word.startswith("UNKNOWN")]
