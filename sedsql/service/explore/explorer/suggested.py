"""Suggest the axes of the first views by the columns that a result has."""

from __future__ import annotations

from typing import Any

from sedsql.service.explore.explorer.columns import Column, Columns

_G, _BP, _RP, _J, _H, _KS = "phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag", "j_m", "h_m", "ks_m"
_COLOURS = ((_BP, _RP), (_G, _RP), (_J, _KS), ("w1mpro", "w2mpro"))
_BRIGHTNESSES = (_G, _KS, _J, "w1mpro")
_PLANES = (
    (("w1mpro", "w2mpro"), ("w2mpro", "w3mpro")),
    ((_H, _KS), (_J, _H)),
    ((_BP, _RP), (_G, "w1mpro")),
)
"""Colours on the axes of a diagram of two, x and y, the one that tells most classes first."""
_POSITIONS = (("ra", "dec"), ("raj2000", "dej2000"), ("ra_icrs", "de_icrs"), ("l", "b"), ("glon", "glat"))
_UCDS = (("pos.eq.ra", "pos.eq.dec"), ("pos.galactic.lon", "pos.galactic.lat"))

Axes = dict[str, Any]


def suggested(columns: Columns) -> dict[str, Axes]:
    """Axes for a map of the sky, a colour-magnitude and a colour-colour diagram, and a histogram."""

    def name(wanted: str) -> str | None:
        column = columns.find(wanted)
        return column.name if column and column.kind == "number" else None

    def minus(pair: tuple[str, str]) -> Axes | None:
        first, second = map(name, pair)
        return {"minus": [first, second]} if first and second else None

    found: dict[str, Axes] = {}
    if sky := _sky(columns):
        found["sky"] = {"x": {"column": sky[0]}, "y": {"column": sky[1]}}
    bp_rp = name("bp_rp")
    colours = [{"column": bp_rp}] if bp_rp else []
    colours += [colour for colour in map(minus, _COLOURS) if colour]
    brightness = next((band for band in map(name, _BRIGHTNESSES) if band), None)
    if colours and brightness:
        y = {"absolute": brightness} if name("parallax") else {"column": brightness}
        found["cmd"] = {"x": colours[0], "y": y}
    planes = ((minus(x), minus(y)) for x, y in _PLANES)
    if plane := next(((x, y) for x, y in planes if x and y), None):
        found["cc"] = {"x": plane[0], "y": plane[1]}
    if (line := brightness or name("parallax") or _any(columns, sky)) is not None:
        found["hist"] = {"x": {"column": line}}
    return found


def _sky(columns: Columns) -> tuple[str, str] | None:
    for ra, dec in _UCDS:
        pair = [next((one for one in columns if _is_of(one, ucd)), None) for ucd in (ra, dec)]
        if pair[0] and pair[1]:
            return pair[0].name, pair[1].name
    for names in _POSITIONS:
        one, other = map(columns.find, names)
        if one and other and one.kind == other.kind == "number":
            return one.name, other.name
    return None


def _is_of(column: Column, ucd: str) -> bool:
    words = (column.ucd or "").lower().split(";")
    return column.kind == "number" and words[0] == ucd


def _any(columns: Columns, sky: tuple[str, str] | None) -> str | None:
    """A column to count values of: the first that is neither a position nor a name."""
    numbers = (one.name for one in columns if one.kind == "number" and not one.is_exact and one.name not in (sky or ()))
    return next(numbers, None)
