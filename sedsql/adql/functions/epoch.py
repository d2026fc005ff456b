"""Propagate positions, motions and their covariances to another epoch, in DuckDB SQL.

Uniform motion in space without light-time effects: Butkevich & Lindegren 2014 (A&A 570, A62), section 3, and
ESA 1997 (The Hipparcos and Tycho Catalogues, SP-1200), volume 1, section 1.5.5, which the Gaia Archive follows.
The six parameters are right ascension and declination (deg), parallax (mas), proper motions in right ascension
(with the cosine of the declination) and declination (mas/yr), and the radial motion (mas/yr), which is the
radial velocity times the parallax over A. NULL is taken for 0, but for places and epochs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlglot import exp

from sedsql.adql.geometry.sphere import inner, outer, place_of
from sedsql.adql.tree.signature import Write

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
    given = {"ra": f"CAST({ra} AS DOUBLE)", "dec": f"CAST({dec} AS DOUBLE)", "x": _or_zero(parallax),
             "a": _or_zero(east), "d": _or_zero(north), "v": _or_zero(velocity)}  # fmt: skip
    zero = ["__x.a", "__x.d", f"__x.v * __x.x / {A_PER_YEAR}"]
    return chain([given], f"[__x.ra, __x.dec, __x.x, {', '.join(zero)}]")


def chain(steps: list[dict[str, str]], result: str) -> str:
    """`result`, in which __x.name stands for the values of all steps; each step may use those before it.

    The steps follow each other inside out: lambdas within lambdas would take DuckDB 2.0 a minute to bind.
    """
    first, *rest = steps
    names = list(first)
    made = _struct(first)
    for step in rest:
        made = f"list_transform([{made}], lambda __x: {_struct({name: f'__x.{name}' for name in names} | step)})[1]"
        names += step
    return f"list_transform([{made}], lambda __x: {result})[1]"


def _struct(values: dict[str, str]) -> str:
    return "{" + ", ".join(f"'{name}': {value}" for name, value in values.items()) + "}"


def moved(six: str, start: str, end: str, **more: str) -> list[dict[str, str]]:
    """The motion in steps of a `chain`, in radians and years.

    At the first epoch: x parallax, a, d, z motions, t years, g = 1 + z t, m the square of the proper motion, p, q,
    r the triad; f the first distance over the second. At the second: u, p1, q1 the triad, a1, d1, z1 motions.
    """
    rate = "coalesce(__x.i[{}], 0) / " + MAS
    size = "sqrt(__x.u[1] * __x.u[1] + __x.u[2] * __x.u[2])"
    return [
        {"i": six, "b": f"CAST({start} AS DOUBLE)", "e": f"CAST({end} AS DOUBLE)", **more},
        {
            "ra": f"radians({_needed('__x.i[1]', 'The right ascension')})",
            "dec": f"radians({_needed('__x.i[2]', 'The declination')})",
            **{name: rate.format(place) for place, name in enumerate("xadz", 3)},
            "t": f"{_needed('__x.e', 'The epoch')} - {_needed('__x.b', 'The reference epoch')}",
        },
        {
            "m": "__x.a * __x.a + __x.d * __x.d",
            "g": "1 + __x.z * __x.t",
            "p": "array_value(-sin(__x.ra), cos(__x.ra), 0e0)",
            "q": "array_value(-sin(__x.dec) * cos(__x.ra), -sin(__x.dec) * sin(__x.ra), cos(__x.dec))",
            "r": "array_value(cos(__x.dec) * cos(__x.ra), cos(__x.dec) * sin(__x.ra), sin(__x.dec))",
        },
        {"f": "1 / sqrt(pow(__x.g, 2) + __x.m * pow(__x.t, 2))"},
        {"u": _triple(lambda i: f"(__x.r[{i}] * __x.g + (__x.p[{i}] * __x.a + __x.q[{i}] * __x.d) * __x.t) * __x.f")},
        # At a pole, east is where the old triad has it.
        {
            "p1": f"CASE WHEN {size} < 1e-15 THEN __x.p"
            f" ELSE array_value(-__x.u[2] / {size}, __x.u[1] / {size}, 0e0) END",
            "v": _triple(
                lambda i: (
                    f"((__x.p[{i}] * __x.a + __x.q[{i}] * __x.d) * __x.g - __x.r[{i}] * __x.m * __x.t) * pow(__x.f, 3)"
                )
            ),
        },
        {"q1": outer("__x.u", "__x.p1")},
        {
            "a1": inner("__x.p1", "__x.v"),
            "d1": inner("__x.q1", "__x.v"),
            "z1": "(__x.z + (__x.m + __x.z * __x.z) * __x.t) * __x.f * __x.f",
        },
    ]


def _arguments(arguments: list[exp.Expr], write: Write) -> tuple[str, str, str]:
    *given, start, end = map(write, arguments)
    return given[0] if len(given) == 1 else parameters(*given), start, end


def position(arguments: list[exp.Expr], write: Write) -> str:
    """The point at the second epoch; without the triads, which cost most of the time."""
    turn = {"ca": "cos(__x.ra)", "sa": "sin(__x.ra)", "cd": "cos(__x.dec)", "sd": "sin(__x.dec)",
            "g": "1 + __x.z * __x.t", "a1": "__x.a * __x.t", "d1": "__x.d * __x.t"}  # fmt: skip
    place = (
        "[__x.cd * __x.ca * __x.g - __x.sa * __x.a1 - __x.sd * __x.ca * __x.d1,"
        " __x.cd * __x.sa * __x.g + __x.ca * __x.a1 - __x.sd * __x.sa * __x.d1, __x.sd * __x.g + __x.cd * __x.d1]"
    )
    return chain([*moved(*_arguments(arguments, write))[:2], turn, {"u": place}], place_of("__x.u"))


def all_six(arguments: list[exp.Expr], write: Write) -> str:
    """The six parameters at the second epoch."""
    rates = ", ".join(f"{value} * {MAS}" for value in ("__x.x * __x.f", "__x.a1", "__x.d1", "__x.z1"))
    return chain(moved(*_arguments(arguments, write)), f"list_concat({place_of('__x.u')}, [{rates}])")


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
    spread = "pow(__x.x * __x.e, 2) + pow(__x.v * __x.s2, 2) + pow(__x.e * __x.s2, 2)"
    radial = {"s5": f"sqrt({spread}) / {A_PER_YEAR}"}
    share = {"q": f"CASE WHEN __x.s5 = 0 THEN 0 ELSE __x.s2 * __x.v / {A_PER_YEAR} / __x.s5 END"}

    def correlation(i: int, j: int) -> str:
        if j < 5:
            return f"__x.c{i}{j}"
        return "__x.q" if i == 2 else f"__x.q * __x.c{min(i, 2)}{max(i, 2)}"

    numbers = [*(f"__x.s{i}" for i in range(5)), "__x.s5", *(correlation(i, j) for i, j in PLACES)]
    return chain([given, radial, share], f"[{', '.join(numbers)}]")


def error_array(arguments: list[exp.Expr], write: Write) -> str:
    texts = list(map(write, arguments))
    return errors(texts[:5], texts[5:15], *texts[15:])


# The derivatives of the new parameters by the old ones (SP-1200, equations 1.5.80 and following): angles and
# proper motions are components along fixed axes. pp, pq, pr, qp, qq, qr are the products of new axes and old ones.
def _row_of_place(k: str) -> list[str]:
    return [
        f"__x.f * (__x.{k}p * __x.g - __x.{k}r * __x.t * __x.a)",
        f"__x.f * (__x.{k}q * __x.g - __x.{k}r * __x.t * __x.d)",
        "0e0",
        f"__x.f * __x.{k}p * __x.t",
        f"__x.f * __x.{k}q * __x.t",
        f"__x.f * __x.{k}r * __x.t",
    ]


def _row_of_motion(k: str, new: str) -> list[str]:
    rates = [
        f"-(__x.{k}r * __x.a * __x.g + __x.{k}p * __x.m * __x.t)",
        f"-(__x.{k}r * __x.d * __x.g + __x.{k}q * __x.m * __x.t)",
        "0e0",
        f"__x.{k}p * __x.g - 2 * __x.t * __x.a * __x.{k}r",
        f"__x.{k}q * __x.g - 2 * __x.t * __x.d * __x.{k}r",
        f"__x.t * (__x.{k}p * __x.a + __x.{k}q * __x.d)",
    ]
    return [f"pow(__x.f, 3) * ({rate}) + 3 * {new} * __x.f{i}" for i, rate in enumerate(rates)]


def _jacobian() -> dict[str, str]:
    radial = ["0e0", "0e0", "0e0", "2 * __x.t * __x.a", "2 * __x.t * __x.d", "1 + 2 * __x.t * __x.z"]
    rows = [
        _row_of_place("p"),
        _row_of_place("q"),
        [f"__x.x * __x.f * __x.f{i} + {'__x.f' if i == 2 else '0'}" for i in SIX],
        _row_of_motion("p", "__x.a1"),
        _row_of_motion("q", "__x.d1"),
        [f"pow(__x.f, 2) * ({rate}) + 2 * __x.z1 * __x.f{i}" for i, rate in enumerate(radial)],
    ]
    return {f"j{i}": f"[{', '.join(row)}]" for i, row in enumerate(rows)}


def propagated_errors(arguments: list[exp.Expr], write: Write) -> str:
    """The 21 numbers at the second epoch; arrays of 6 and 21 are given, or 22 columns with velocities in km/s."""
    *given, start, end = map(write, arguments)
    if len(given) == 2:
        before, spread = given
    else:
        before = parameters(*given[:6])
        spread = errors(given[6:11], given[12:], given[2], given[5], given[11])
    # f3, f4, f5: the relative change of f by the motions; by the place and the parallax there is none.
    products = {new + old: inner(f"__x.{new}1", f"__x.{old}") for new in "pq" for old in "pqr"}
    products |= {f"f{i}": "0e0" for i in range(3)}
    products |= {"f3": "-pow(__x.f * __x.t, 2) * __x.a", "f4": "-pow(__x.f * __x.t, 2) * __x.d",
                 "f5": "-pow(__x.f, 2) * __x.t * __x.g"}  # fmt: skip

    def covariance(i: int, j: int) -> str:
        correlation = "1" if i == j else f"coalesce(__x.k[{PLACES[min(i, j), max(i, j)]}], 0)"
        return f"coalesce(__x.k[{i + 1}] * __x.k[{j + 1}], 0) * {correlation}"

    def product(rows: str, i: int, others: str, j: int) -> str:
        return f"list_inner_product(__x.{rows}{i}, __x.{others}{j})"

    def row(elements: Iterable[str]) -> str:
        return f"[{', '.join(elements)}]"

    # J C, then J C J'. C is symmetric, so that products of rows do.
    before_and_jacobian = {f"c{i}": row(covariance(i, j) for j in SIX) for i in SIX} | _jacobian()
    half = {f"h{i}": row(product("j", i, "c", j) for j in SIX) for i in SIX}
    sizes = {f"s{i}": f"sqrt(greatest(0, {product('h', i, 'j', i)}))" for i in SIX}
    steps = [*moved(before, start, end, k=f"CAST({spread} AS DOUBLE[])"), products, before_and_jacobian, half, sizes]
    correlations = [f"coalesce({product('h', i, 'j', j)} / nullif(__x.s{i} * __x.s{j}, 0), 0)" for i, j in PLACES]
    return chain(steps, f"[{', '.join([*(f'__x.s{i}' for i in SIX), *correlations])}]")
