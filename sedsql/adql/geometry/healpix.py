"""Compute HEALPix cells in DuckDB SQL, numbered in the nested order (Gorski et al. 2005, ApJ 622, 759)."""

from __future__ import annotations

from sedsql.adql.geometry.sphere import let


def index(order: str, ra: str, dec: str) -> str:
    """The number of the cell of an order (0 to 29) that holds a position in degrees."""
    turn = let({"t": f"({ra}) / 90"}, "__t.t - 4 * floor(__t.t / 4)", "__t")
    start = {
        "n": f"1::BIGINT << ({order})::INT",
        "t": turn,
        "z": f"sin(radians({dec}))",
        "c": f"cos(radians({dec}))",
    }
    # Near the poles sqrt(3 (1 - |z|)) would lose its digits; cos(dec) does not.
    polar = "__s.n * __s.c * sqrt(3 / (1 + abs(__s.z)))"
    belt = {
        "n": "__s.n",
        "jp": "floor(__s.n * (0.5e0 + __s.t) - __s.n * __s.z * 0.75e0)::BIGINT",
        "jm": "floor(__s.n * (0.5e0 + __s.t) + __s.n * __s.z * 0.75e0)::BIGINT",
    }
    up = "__b.jp // __b.n"
    down = "__b.jm // __b.n"
    face = f"CASE WHEN {up} = {down} THEN ({up} & 3) + 4 WHEN {up} < {down} THEN {up} & 3 ELSE ({down} & 3) + 8 END"
    equator = let(
        belt,
        f"{{'n': __b.n, 'f': {face}, 'x': __b.jm & (__b.n - 1), 'y': __b.n - 1 - (__b.jp & (__b.n - 1))}}",
        "__b",
    )
    cap = {
        "n": "__s.n",
        "z": "__s.z",
        "f": "least(3, floor(__s.t)::BIGINT)",
        "jp": f"least(__s.n - 1, floor((__s.t - least(3, floor(__s.t))) * {polar})::BIGINT)",
        "jm": f"least(__s.n - 1, floor((1 - __s.t + least(3, floor(__s.t))) * {polar})::BIGINT)",
    }
    north = "{'n': __b.n, 'f': __b.f, 'x': __b.n - 1 - __b.jm, 'y': __b.n - 1 - __b.jp}"
    south = "{'n': __b.n, 'f': __b.f + 8, 'x': __b.jp, 'y': __b.jm}"
    caps = let(cap, f"CASE WHEN __b.z >= 0 THEN {north} ELSE {south} END", "__b")
    cell = let(start, f"CASE WHEN abs(__s.z) <= 2e0 / 3 THEN {equator} ELSE {caps} END", "__s")
    return let({"c": cell}, f"__k.c.f * __k.c.n * __k.c.n + {_spread('__k.c.x')} + 2 * {_spread('__k.c.y')}", "__k")


def center(order: str, cell: str) -> str:
    """The middle [ra, dec] of a cell, in degrees."""
    start = {"n": f"1::BIGINT << ({order})::INT", "i": f"({cell})::BIGINT"}
    place = {
        "n": "__s.n",
        "f": "__s.i // (__s.n * __s.n)",
        "x": _gather("(__s.i % (__s.n * __s.n))"),
        "y": _gather("((__s.i % (__s.n * __s.n)) >> 1)"),
    }
    ring = {
        "n": "__p.n",
        "f": "__p.f",
        "d": "__p.x - __p.y",
        "j": "(__p.f // 4 + 2) * __p.n - __p.x - __p.y - 1",
    }
    around = {
        "n": "__r.n",
        "j": "__r.j",
        "d": "__r.d",
        # The longitude of a face, in eighths of the circle.
        "l": "CASE WHEN __r.f // 4 = 1 THEN 2 * (__r.f % 4) ELSE 2 * (__r.f % 4) + 1 END",
        "m": "CASE WHEN __r.j < __r.n THEN __r.j WHEN __r.j > 3 * __r.n THEN 4 * __r.n - __r.j ELSE __r.n END",
    }
    longitude = "45e0 * (__a.l * __a.m + __a.d + CASE WHEN __a.l * __a.m + __a.d < 0 THEN 8 * __a.m ELSE 0 END) / __a.m"
    polar = "90 - 2 * degrees(asin(__a.m / (__a.n * sqrt(6e0))))"
    latitude = (
        f"CASE WHEN __a.j < __a.n THEN {polar} WHEN __a.j > 3 * __a.n THEN -({polar})"
        " ELSE degrees(asin((2 * __a.n - __a.j) * 2e0 / (3 * __a.n))) END"
    )
    body = let(around, f"[{longitude}, {latitude}]", "__a")
    return let(start, let(place, let(ring, body, "__r"), "__p"), "__s")


def _spread(value: str) -> str:
    """Spread the bits of a number below 2^29, with a zero bit before each."""
    text = value
    masks = ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F), (2, 0x3333333333333333),
             (1, 0x5555555555555555))  # fmt: skip
    for shift, mask in masks:
        text = let({"v": text}, f"((__q.v | (__q.v << {shift})) & {mask})", "__q")
    return text


def _gather(value: str) -> str:
    """Gather every other bit of a number; the inverse of `_spread`."""
    text = f"({value} & {0x5555555555555555})"
    masks = ((1, 0x3333333333333333), (2, 0x0F0F0F0F0F0F0F0F), (4, 0x00FF00FF00FF00FF), (8, 0x0000FFFF0000FFFF),
             (16, 0x00000000FFFFFFFF))  # fmt: skip
    for shift, mask in masks:
        text = let({"v": text}, f"((__q.v | (__q.v >> {shift})) & {mask})", "__q")
    return text
