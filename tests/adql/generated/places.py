"""Shapes on the sphere and tests of positions, drawn from choices."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sedsql.adql.parser.lexer import RESERVED

from .choices import Choices
from .tables import Column, Table

AWKWARD = ((0.0, 0.0), (359.99, 0.01), (0.01, -0.5), (0.0, 90.0), (77.0, -90.0), (180.0, 89.5), (300.0, -88.0))
OUTSIDE = ((370.0, 10.0), (-10.0, 5.0), (725.0, -30.0), (10.0, 95.0))
RADII = (20.0, 5.0, 40.0, 60.0, 1.0, 0.2, 0.0, 80.0, 89.9, 95.0, 170.0, 180.0, 185.0, 30.0, 50.0)
SHORT = (2.0, 0.5, 5.0, 0.05, 9.0, 0.0, 15.0)
REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass
class Source:
    """A table or subquery of a FROM clause, by the name that a query calls it."""

    name: str
    table: Table


@dataclass
class Scope:
    """What a SELECT can name."""

    sources: list[Source]
    outer: Scope | None = None
    merged: set[str] = field(default_factory=set)

    def times(self, name: str) -> int:
        """How many of the sources have a column of that name."""
        return sum(
            any(column.name.lower() == name.lower() for column in source.table.columns) for source in self.sources
        )


class Places:
    """Draws parts of a query; `notes` tells of them what a comparison has to know.

    notes : 'sums', of which the last digits hang on the order of rows; 'fails', which hangs on which rows are looked
        at; 'models', of which engines answer; 'noise', conditions on their probabilities
    """

    def __init__(self, choices: Choices, places: list[tuple[float, float]], *, parameters: bool = False):
        self.choices = choices
        self.places = places
        self.notes: set[str] = set()
        self.parameters = parameters
        self.given: list[object] = []

    # --- names and constants --------------------------------------------------------------------------

    def name(self, name: str) -> str:
        """A column's name: as it is, in other case, or between quotes."""
        if not REGULAR.fullmatch(name) or name.upper() in RESERVED:
            return f'"{name}"'
        return self.choices.weighed((20, name), (1, name.upper()), (1, name.capitalize()), (1, f'"{name}"'))

    def reference(self, source: Source, column: Column, scope: Scope) -> str:
        """A column of a source; without the source's name where it can be told, and now and then where it cannot."""
        name = self.name(column.name)
        if scope.times(column.name) == 1 or column.name.lower() in scope.merged:
            return self.choices.weighed((3, f"{source.name}.{name}"), (2, name))
        if self.choices.chance(0.2):
            return name
        return f"{source.name}.{name}"

    def constant(self, text: str, value: object = None) -> str:
        """A constant, or a mark where a parameter will stand."""
        if not self.parameters or not self.choices.chance(60):
            return text
        if value is None:
            number = float if {".", "e"} & set(text) else int
            value = text[1:-1].replace("''", "'") if text[0] == "'" else number(text)
        self.given.append(value)
        return f"\x01{len(self.given) - 1}\x01"

    def degrees(self, value: float) -> str:
        """A number of degrees, in one of the ways in which people write it."""
        value = round(value, 4)
        form = self.choices.weighed((12, "plain"), (1, "sum"), (1, "quotient"), (1, "brackets"))
        if form == "sum":
            return f"{value} + 0"
        if form == "quotient":
            return f"{value * 4} / 4."
        if form == "brackets":
            return f"({value})"
        return self.constant(repr(value))

    # --- shapes ---------------------------------------------------------------------------------------

    def place(self) -> tuple[float, float]:
        """Near a source mostly, else at a pole, at right ascension 0, or beyond what coordinates should be."""
        ra, dec = self.choices.one(self.choices.weighed((20, self.places), (6, AWKWARD), (1, OUTSIDE)))
        if self.choices.chance(30):
            ra, dec = ra + self.choices.one((0.3, -0.3, 3.0)), max(-90.0, dec - self.choices.one((0.2, 2.0)))
        return ra, dec

    def point(self, ra: str, dec: str) -> str:
        return self.choices.weighed((5, f"POINT({ra}, {dec})"), (1, f"POINT('ICRS', {ra}, {dec})"))

    def circle(self) -> str:
        ra, dec = map(self.degrees, self.place())
        radius = self.degrees(self.choices.one(RADII))
        return self.choices.weighed(
            (4, f"CIRCLE({ra}, {dec}, {radius})"),
            (1, f"CIRCLE('ICRS', {ra}, {dec}, {radius})"),
            (1, f"CIRCLE({self.point(ra, dec)}, {radius})"),
        )

    def box(self) -> str:
        ra, dec = map(self.degrees, self.place())
        width, height = (self.degrees(self.choices.one((10.0, 40.0, 2.0, 120.0, 0.0, 359.0, 400.0))) for _ in "wh")
        return self.choices.weighed(
            (3, f"BOX({ra}, {dec}, {width}, {height})"), (1, f"BOX({self.point(ra, dec)}, {width}, {height})")
        )

    def corners(self) -> list[tuple[float, float]]:
        """Of a polygon around a place, clockwise or not; around a pole as well."""
        ra, dec = self.place()
        size = self.choices.one((10.0, 2.0, 30.0, 60.0))
        turns = self.choices.one(((0, 1, 2), (0, 1, 2, 3), (2, 1, 0), (0, 1, 2, 3, 4)))
        if abs(dec) > 89:
            return [((ra + 360 / len(turns) * turn) % 360, (90 - size / 3) * (1 if dec > 0 else -1)) for turn in turns]
        around = ((-1, -1), (1, -1), (1.2, 1), (0, 1.5), (-1, 0.7))
        return [
            (
                round((ra + around[turn][0] * size) % 360, 4),
                max(-90.0, min(90.0, round(dec + around[turn][1] * size, 4))),
            )
            for turn in turns
        ]

    def polygon(self) -> str:
        pairs = [(self.degrees(ra), self.degrees(dec)) for ra, dec in self.corners()]
        if self.choices.chance(30):
            return f"POLYGON({', '.join(f'POINT({ra}, {dec})' for ra, dec in pairs)})"
        return f"POLYGON({', '.join(f'{ra}, {dec}' for ra, dec in pairs)})"

    def region(self) -> str:
        return f"REGION('{self.stcs(2)}')"

    def stcs(self, depth: int) -> str:
        form = self.choices.weighed(
            (5, "CIRCLE"), (2, "BOX"), (2, "POLYGON"), (2 * bool(depth) + 1, "UNION"), (1, "NOT")
        )
        if form in ("UNION", "NOT") and not depth:
            form = "CIRCLE"
        frame = self.choices.weighed((3, "ICRS "), (1, ""))
        if form == "UNION":
            word = self.choices.one(("UNION", "INTERSECTION"))
            return f"{word} {frame}({' '.join(self.stcs(depth - 1) for _ in range(2 + self.choices.below(2)))})"
        if form == "NOT":
            return f"NOT {frame}({self.stcs(depth - 1)})"
        if form == "POLYGON":
            return f"Polygon {frame}{' '.join(f'{ra} {dec}' for ra, dec in self.corners())}"
        ra, dec = self.place()
        if form == "BOX":
            return f"Box {frame}{ra:.4f} {dec:.4f} {self.choices.one((20, 5, 100))} {self.choices.one((20, 5, 60))}"
        return f"Circle {frame}{ra:.4f} {dec:.4f} {self.choices.one(RADII)}"

    def shape(self) -> str:
        kind = self.choices.weighed((6, self.circle), (2, self.box), (2, self.polygon), (2, self.region))
        return kind()

    # --- tests ----------------------------------------------------------------------------------------

    def positions(self, scope: Scope) -> list[Source]:
        return [source for source in scope.sources if source.table.position]

    def position(self, source: Source, scope: Scope) -> tuple[str, str]:
        """The two columns of a position; now and then a sum, which is none."""
        names = {column.name: column for column in source.table.columns}
        ra, dec = (self.reference(source, names[name], scope) for name in source.table.position or ())
        return self.choices.weighed((30, (ra, dec)), (1, (f"{ra} + 0", dec)), (1, (ra, f"-{dec}")), (1, (dec, ra)))

    def compared(self, value: str, inside: bool = True) -> str:
        """A number that is 1 or 0 as a condition."""
        one, zero = self.choices.weighed((4, ("1 = {}", "0 = {}")), (2, ("{} = 1", "{} = 0")),
                                         (1, ("0 <> {}", "1 <> {}")), (1, ("{} > 0", "{} < 1")))  # fmt: skip
        return (one if inside else zero).format(value)

    def inside(self, scope: Scope) -> str:
        """Whether a source lies in a shape of constants."""
        ra, dec = self.position(self.choices.one(self.positions(scope)), scope)
        point, form = self.point(ra, dec), self.choices.below(12)
        if form < 6:
            test = f"CONTAINS({point}, {self.shape()})"
        elif form < 8:
            test = self.choices.one((f"INTERSECTS({self.shape()}, {point})", f"INTERSECTS({point}, {self.shape()})"))
        elif form < 9:
            a, b = map(self.degrees, self.place())
            test = f"CONTAINS({self.point(a, b)}, CIRCLE({ra}, {dec}, {self.degrees(self.choices.one(RADII))}))"
        else:
            return self.bounded(scope, ra, dec)
        return self.compared(test, not self.choices.chance(12))

    def bounded(self, scope: Scope, ra: str, dec: str) -> str:
        """A condition on the distance of a source from a constant place."""
        a, b = map(self.degrees, self.place())
        distance = self.choices.one((f"DISTANCE({ra}, {dec}, {a}, {b})", f"DISTANCE({a}, {b}, {ra}, {dec})",
                                     f"DISTANCE({self.point(ra, dec)}, {self.point(a, b)})"))  # fmt: skip
        radius = self.degrees(self.choices.one(RADII))
        form = self.choices.below(8)
        if form == 0:
            return f"{distance} {self.choices.one(('>', '>=', '<>', '='))} {radius}"
        if form == 1:
            return f"{distance} BETWEEN {self.degrees(self.choices.one((0.1, -1.0, 3.0)))} AND {radius}"
        if form < 4:
            return f"{radius} {self.choices.one(('>', '>='))} {distance}"
        return f"{distance} {self.choices.one(('<', '<='))} {radius}"

    def near(self, one: Source, other: Source, scope: Scope) -> str:
        """A condition on the distance between two sources, with a constant radius or that of a column."""
        (ra1, dec1), (ra2, dec2) = (self.position(source, scope) for source in (one, other))
        radius = self.degrees(self.choices.one(SHORT))
        columns = [
            self.reference(source, column, scope)
            for source in (one, other)
            for column in source.table.columns
            if column.name in source.table.radii
        ]
        if columns and self.choices.chance(45):
            radius = self.choices.one(columns)
            radius = self.choices.weighed(
                (6, radius), (1, f"{radius} / 2"), (1, f"ABS({radius})"), (1, f"{radius} + 1")
            )
        if self.choices.chance(45):
            distance = self.choices.one((f"DISTANCE({ra1}, {dec1}, {ra2}, {dec2})",
                                         f"DISTANCE({self.point(ra1, dec1)}, {self.point(ra2, dec2)})"))  # fmt: skip
            return self.choices.one((f"{distance} < {radius}", f"{distance} <= {radius}", f"{radius} > {distance}",
                                     f"{radius} >= {distance}"))  # fmt: skip
        circle = self.choices.one((f"CIRCLE({ra2}, {dec2}, {radius})", f"CIRCLE({self.point(ra2, dec2)}, {radius})"))
        point = self.point(ra1, dec1)
        test = self.choices.one((f"CONTAINS({point}, {circle})", f"INTERSECTS({point}, {circle})",
                                 f"INTERSECTS({circle}, {point})"))  # fmt: skip
        return self.compared(test)
