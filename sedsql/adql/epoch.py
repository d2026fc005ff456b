"""Positions, motions and their covariances at another epoch, in DuckDB SQL.

Uniform motion in space without light-time effects: Butkevich & Lindegren 2014 (A&A 570, A62), section 3, and
ESA 1997 (The Hipparcos and Tycho Catalogues, SP-1200), volume 1, section 1.5.5, which the Gaia Archive follows.
The six parameters are right ascension and declination (deg), parallax (mas), proper motions in right ascension
(with the cosine of the declination) and declination (mas/yr), and the radial motion (mas/yr), which is the
radial velocity times the parallax over A. NULL is taken for 0, but for places and epochs.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from sedsql.adql.function import Write
from sedsql.adql.sphere import inner, let, outer, place_of

A_PER_YEAR = "4.740470463533349e0"  # km yr / s in an au
MAS = "(180 * 3600000 / pi())"  # milliarcseconds in a radian
SIX = range(6)
# Where the correlation of two parameters stands among the 21 numbers: six errors, then the upper triangle by rows.
PLACES = {pair: place for place, pair in enumerate(((i, j) for i in SIX for j in SIX if i < j), 7)}
KNOWN = [pair for pair in PLACES if pair[1] < 5]  # the ten correlations that a catalogue has


def _or_zero(value: str) -> str:
    return f"coalesce(CAST({value} AS DOUBLE), 0e0)"


def _needed(value: str, name: str) -> str:
    return f"CASE WHEN {value} IS NULL THEN error('{name} must not be NULL') ELSE {value} END"


def _triple(element: Callable[[int], str]) -> str:
    return f"array_value({element(1)}, {element(2)}, {element(3)})"


def parameters(ra: str, dec: str, parallax: str, east: str, north: str, velocity: str) -> str:
    """The array of the six parameters, from the radial velocity in km/s."""
    given = {"x": _or_zero(parallax), "v": _or_zero(velocity)}
    zero = [_or_zero(east), _or_zero(north), f"__r.v * __r.x / {A_PER_YEAR}"]
    return let(given, f"[CAST({ra} AS DOUBLE), CAST({dec} AS DOUBLE), __r.x, {', '.join(zero)}]", "__r")


def moved(six: str, start: str, end: str, result: str) -> str:
    """`result`, written in terms of the motion, all in radians and years.

    __v: x parallax, a, d, z motions, t years, s = 1 + z t, m the square of the proper motion. __b: p, q, r the
    triad at the first epoch, f the first distance over the second. __w: u, p, q the triad at the second epoch,
    and __y: its motions a, d, z.
    """
    given = {"i": six, "s": f"CAST({start} AS DOUBLE)", "e": f"CAST({end} AS DOUBLE)"}
    rate = "coalesce(__i.i[{}], 0) / " + MAS
    motion = {
        "ra": f"radians({_needed('__i.i[1]', 'The right ascension')})",
        "dec": f"radians({_needed('__i.i[2]', 'The declination')})",
        **{name: rate.format(place) for place, name in enumerate("xadz", 3)},
        "t": f"{_needed('__i.e', 'The epoch')} - {_needed('__i.s', 'The reference epoch')}",
    }
    squares = {"m": "__v.a * __v.a + __v.d * __v.d", "s": "1 + __v.z * __v.t"}
    triad = {
        "p": "array_value(-sin(__v.ra), cos(__v.ra), 0e0)",
        "q": "array_value(-sin(__v.dec) * cos(__v.ra), -sin(__v.dec) * sin(__v.ra), cos(__v.dec))",
        "r": "array_value(cos(__v.dec) * cos(__v.ra), cos(__v.dec) * sin(__v.ra), sin(__v.dec))",
        "f": "1 / sqrt(pow(__s.s, 2) + __s.m * pow(__v.t, 2))",
    }
    place = {
        "u": _triple(lambda i: f"(__b.r[{i}] * __s.s + (__b.p[{i}] * __v.a + __b.q[{i}] * __v.d) * __v.t) * __b.f")
    }
    # At a pole, east is where the old triad has it.
    size = "sqrt(__u.u[1] * __u.u[1] + __u.u[2] * __u.u[2])"
    turned = {
        "p": f"CASE WHEN {size} < 1e-15 THEN __b.p ELSE array_value(-__u.u[2] / {size}, __u.u[1] / {size}, 0e0) END"
    }
    there = {
        "p": "__o.p",
        "q": outer("__u.u", "__o.p"),
        "v": _triple(
            lambda i: (
                f"((__b.p[{i}] * __v.a + __b.q[{i}] * __v.d) * __s.s - __b.r[{i}] * __s.m * __v.t)"
                " * __b.f * __b.f * __b.f"
            )
        ),
    }
    motions = {
        "a": inner("__w.p", "__w.v"),
        "d": inner("__w.q", "__w.v"),
        "z": "(__v.z + (__s.m + __v.z * __v.z) * __v.t) * __b.f * __b.f",
    }
    steps = {"__i": given, "__v": motion, "__s": squares, "__b": triad, "__u": place, "__o": turned, "__w": there,
             "__y": motions}  # fmt: skip
    for name, values in reversed(steps.items()):
        result = let(values, result, name)
    return result


def _arguments(arguments: list[exp.Expr], write: Write) -> tuple[str, str, str]:
    *given, start, end = map(write, arguments)
    return given[0] if len(given) == 1 else parameters(*given), start, end


def position(arguments: list[exp.Expr], write: Write) -> str:
    """The point at the second epoch."""
    return moved(*_arguments(arguments, write), place_of("__u.u"))


def all_six(arguments: list[exp.Expr], write: Write) -> str:
    """The six parameters at the second epoch."""
    rates = ", ".join(f"{value} * {MAS}" for value in ("__v.x * __b.f", "__y.a", "__y.d", "__y.z"))
    return moved(*_arguments(arguments, write), f"list_concat({place_of('__u.u')}, [{rates}])")


def six(arguments: list[exp.Expr], write: Write) -> str:
    return parameters(*map(write, arguments))


def errors(standard: list[str], known: list[str], parallax: str, velocity: str, velocity_error: str) -> str:
    """The 21 numbers of a catalogue's errors and correlations: the radial motion's follow from the parallax's.

    Radial velocity and parallax are independent, so that the radial motion is correlated with the other
    parameters through the parallax alone (SP-1200, equations 1.5.69 and following).
    """
    given = {"x": _or_zero(parallax), "v": _or_zero(velocity), "e": _or_zero(velocity_error)}
    given |= {f"s{i}": _or_zero(value) for i, value in enumerate(standard)}
    given |= {f"c{i}{j}": _or_zero(value) for (i, j), value in zip(KNOWN, known, strict=True)}
    spread = "pow(__c.x * __c.e, 2) + pow(__c.v * __c.s2, 2) + pow(__c.e * __c.s2, 2)"
    radial = {"s": f"sqrt({spread}) / {A_PER_YEAR}"}
    share = {"c": f"CASE WHEN __z.s = 0 THEN 0 ELSE __c.s2 * __c.v / {A_PER_YEAR} / __z.s END"}

    def correlation(i: int, j: int) -> str:
        if j < 5:
            return f"__c.c{i}{j}"
        return "__q.c" if i == 2 else f"__q.c * __c.c{min(i, 2)}{max(i, 2)}"

    numbers = [*(f"__c.s{i}" for i in range(5)), "__z.s", *(correlation(i, j) for i, j in PLACES)]
    return let(given, let(radial, let(share, f"[{', '.join(numbers)}]", "__q"), "__z"), "__c")


def error_array(arguments: list[exp.Expr], write: Write) -> str:
    texts = list(map(write, arguments))
    return errors(texts[:5], texts[5:15], *texts[15:])


# The derivatives of the new parameters by the old ones (SP-1200, equations 1.5.80 and following): angles and
# proper motions are components along fixed axes. pp, pq, pr, qp, qq, qr are the products of new axes and old ones.
def _row_of_place(k: str) -> list[str]:
    return [
        f"__b.f * (__d.{k}p * __s.s - __d.{k}r * __v.t * __v.a)",
        f"__b.f * (__d.{k}q * __s.s - __d.{k}r * __v.t * __v.d)",
        "0e0",
        f"__b.f * __d.{k}p * __v.t",
        f"__b.f * __d.{k}q * __v.t",
        f"__b.f * __d.{k}r * __v.t",
    ]


def _row_of_motion(k: str, new: str) -> list[str]:
    rates = [
        f"-(__d.{k}r * __v.a * __s.s + __d.{k}p * __s.m * __v.t)",
        f"-(__d.{k}r * __v.d * __s.s + __d.{k}q * __s.m * __v.t)",
        "0e0",
        f"__d.{k}p * __s.s - 2 * __v.t * __v.a * __d.{k}r",
        f"__d.{k}q * __s.s - 2 * __v.t * __v.d * __d.{k}r",
        f"__v.t * (__d.{k}p * __v.a + __d.{k}q * __v.d)",
    ]
    return [f"pow(__b.f, 3) * ({rate}) + 3 * {new} * __d.f{i}" for i, rate in enumerate(rates)]


def _jacobian() -> str:
    radial = ["0e0", "0e0", "0e0", "2 * __v.t * __v.a", "2 * __v.t * __v.d", "1 + 2 * __v.t * __v.z"]
    rows = [
        _row_of_place("p"),
        _row_of_place("q"),
        [f"__v.x * __b.f * __d.f{i} + {'__b.f' if i == 2 else '0'}" for i in SIX],
        _row_of_motion("p", "__y.a"),
        _row_of_motion("q", "__y.d"),
        [f"pow(__b.f, 2) * ({rate}) + 2 * __y.z * __d.f{i}" for i, rate in enumerate(radial)],
    ]
    return "[" + ", ".join(f"[{', '.join(row)}]" for row in rows) + "]"


def propagated_errors(arguments: list[exp.Expr], write: Write) -> str:
    """The 21 numbers at the second epoch; arrays of 6 and 21 are given, or 22 columns with velocities in km/s."""
    *given, start, end = map(write, arguments)
    if len(given) == 2:
        before, spread = given
    else:
        before = parameters(*given[:6])
        spread = errors(given[6:11], given[12:], given[2], given[5], given[11])
    products = {
        new + old: inner(f"__w.{new}", f"__b.{old}") for new in "pq" for old in "pqr"
    }  # fmt: skip
    # The relative change of f: by the place and the parallax none.
    products |= {f"f{i}": "0e0" for i in range(3)}
    products |= {"f3": "-pow(__b.f * __v.t, 2) * __v.a", "f4": "-pow(__b.f * __v.t, 2) * __v.d",
                 "f5": "-pow(__b.f, 2) * __v.t * __s.s"}  # fmt: skip

    def covariance(i: int, j: int) -> str:
        corr = "1" if i == j else f"__e.e[{PLACES[min(i, j), max(i, j)]}]"
        return f"__e.e[{i + 1}] * __e.e[{j + 1}] * {corr}"

    matrix = "[" + ", ".join(f"[{', '.join(covariance(i, j) for j in SIX)}]" for i in SIX) + "]"
    # J C, then J C J'. C is symmetric, so that products of rows do.
    half = "list_transform(__j.j, lambda __r: list_transform(__j.c, lambda __x: list_inner_product(__r, __x)))"
    full = "list_transform(__h.h, lambda __r: list_transform(__j.j, lambda __x: list_inner_product(__r, __x)))"
    sizes = ", ".join(f"sqrt(greatest(0, __f.c[{i + 1}][{i + 1}]))" for i in SIX)
    share = "__f.c[{a}][{b}] / nullif(__t.s[{a}] * __t.s[{b}], 0)"
    correlations = ", ".join("coalesce(" + share.format(a=i + 1, b=j + 1) + ", 0)" for i, j in PLACES)
    result = let({"s": f"[{sizes}]"}, f"list_concat(__t.s, [{correlations}])", "__t")
    result = let({"c": full}, result, "__f")
    result = let({"h": half}, result, "__h")
    result = let({"j": _jacobian(), "c": matrix}, result, "__j")
    result = let(products, result, "__d")
    return let({"e": f"CAST({spread} AS DOUBLE[])"}, moved(before, start, end, result), "__e")
