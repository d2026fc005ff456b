"""Positional joins: what lies within a radius of what, as a join of equal cells and not of all pairs.

The sky is cut into zones of declination, three radii high at least, and each zone into cells of right ascension that
are as wide in the middle of the sky as zones are high, and wider towards the poles (Gray et al. 2004, MSR-TR-2004-32).
A circle then touches four cells at most and mostly one. One table gets the number of its cell, the other a row for
each cell that its circles touch; the exact test stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from sedsql.adql import geometry, kinds
from sedsql.adql.function import Write
from sedsql.adql.nodes import Call
from sedsql.adql.scope import Source
from sedsql.adql.selects import Raw, conjuncts, is_brackets, without_stars
from sedsql.adql.sphere import real

LOWEST = 20 / 3600  # degrees: lower zones would have more circles touch two, and hardly fewer wrong candidates
LARGEST = 10.0  # degrees: beyond that the cells save little
SLACK = 1e-9  # degrees, and relative: what the exact test may let in by rounding
PER_ZONE = 1 << 17  # more than cells in a zone


@dataclass(frozen=True, slots=True)
class End:
    """A position: expressions of one table's columns."""

    source: Source
    ra: exp.Expr
    dec: exp.Expr


@dataclass(frozen=True, slots=True)
class Match:
    """Two positions and what their distance is bounded by: degrees, or an expression of one table's columns.

    circle : whether it is the radius of one, which NaN cannot be
    """

    one: End
    other: End
    radius: float | tuple[Source, exp.Expr]
    circle: bool = False


def matches(part: exp.Expr) -> Iterator[Match]:
    """How a condition bounds the distance of two tables' positions."""
    part = part.unnest()
    if not isinstance(part, exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        return
    for test, number in ((part.this, part.expression), (part.expression, part.this)):
        if not isinstance(test, Call):
            continue
        ends: list[End | None] = []
        radius: exp.Expr = number
        if test.name == "DISTANCE" and isinstance(part, (exp.LT, exp.LTE) if test is part.this else (exp.GT, exp.GTE)):
            values = test.arguments
            ends = [_end(values[:2]), _end(values[2:])] if len(values) == 4 else [_point(node) for node in values]
        elif test.name in ("CONTAINS", "INTERSECTS") and isinstance(part, exp.EQ | exp.NEQ):
            if geometry.constant(number) != (1 if isinstance(part, exp.EQ) else 0):
                continue
            point, circle = test.arguments
            if test.name == "INTERSECTS" and isinstance(circle, Call) and circle.name == "POINT":
                point, circle = circle, point
            if isinstance(circle, Call) and circle.name == "CIRCLE":
                values = geometry.without_system(circle.arguments, "CIRCLE")
                radius = values[-1]
                ends = [_point(point), _point(values[0]) if len(values) == 2 else _end(values[:2])]
        if len(ends) != 2 or not (ends[0] and ends[1]) or ends[0].source is ends[1].source:
            continue
        size = geometry.constant(radius)
        if size is not None and 0 <= size <= LARGEST:
            yield Match(ends[0], ends[1], size)
        elif size is None and (owner := _source_of([radius])) in (ends[0].source, ends[1].source):
            yield Match(ends[0], ends[1], (owner, radius), test.name != "DISTANCE")


def _point(node: exp.Expr) -> End | None:
    if isinstance(node, Call) and node.name == "POINT":
        return _end(geometry.without_system(node.arguments, "POINT"))
    return None


def _end(numbers: list[Any]) -> End | None:
    source = _source_of(numbers)
    return End(source, *numbers) if source else None


def _source_of(numbers: list[exp.Expr]) -> Any:
    """The one table whose columns expressions are made of, or None.

    They are worked out once more than the query says, and for rows that it may leave out: what can fail, or gives
    another number each time, is none.
    """
    if not all(map(_never_fails, numbers)):
        return None
    found = {}
    for number in numbers:
        for column in number.find_all(exp.Column):
            if "source" not in column.meta or column.args.get("db"):
                return None
            found[id(column.meta["source"])] = column.meta["source"]
    return next(iter(found.values())) if len(found) == 1 else None


def _never_fails(number: exp.Expr) -> bool:
    """Whether it is a column, a constant, or arithmetic of these that is not in whole numbers, which overflow."""
    if isinstance(number, exp.Column) or geometry.constant(number) is not None:
        return True
    if isinstance(number, exp.Paren):
        return _never_fails(number.this)
    if not isinstance(number, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Neg) or kinds.of(number) != "r":
        return False
    if isinstance(number, exp.Div) and not geometry.constant(number.expression):
        return False
    return all(map(_never_fails, number.iter_expressions()))


# --- cells in SQL -----------------------------------------------------------------------------------------
# Each function gives layers: what the SELECT of one subquery around another adds to `*`. A layer names what the next
# ones use more than once. All stays DOUBLE until the end, where a coordinate that is NaN makes the cell NULL.


@dataclass(frozen=True, slots=True)
class Grid:
    """The height of the zones and the radius in degrees, as SQL."""

    height: str
    reach: str

    def zone(self, dec: str) -> str:
        return f"floor({dec} / {self.height})"

    def counts(self) -> list[list[str]]:
        """How many cells a zone has: so many that none is narrower than the height, a zone further to the pole.

        A circle of radius r around declination d reaches r / cos(|d| + r) in right ascension at most. The cosine is
        bounded from below, within 3 per cent, by a product that costs a tenth. Where it is negative, next to the
        poles, a zone is one cell.
        """
        return [
            [f"(abs(__zone + 0.5e0) + 1.5e0) * ({self.height} / 90e0) AS __edge"],
            [f"360e0 / {self.height} * (1e0 - __edge * __edge) * abs(1e0 - 0.2338e0 * __edge * __edge) - 1 AS __more"],
            ["floor(1e0 + 0.5e0 * (__more + abs(__more))) AS __count"],
        ]

    def cell(self, ra: str, dec: str) -> list[list[str]]:
        """The cell of a position, as __cell."""
        number = f"__zone * {PER_ZONE} + floor(__turn * __count)"
        return [
            [f"{self.zone(dec)} AS __zone", _turn(ra)],
            *self.counts(),
            [f"TRY_CAST({number} AS BIGINT) AS __cell"],
        ]

    def cells_around(self, ra: str, dec: str) -> list[list[str]]:
        """The cells that the circle around a position touches, as __cell: each once, and each in a row."""
        south, north = self.zone(f"({dec} - {self.reach})"), self.zone(f"({dec} + {self.reach})")
        west, east = (f"floor(__turn * __count {sign} {self.reach} / {self.height})" for sign in "-+")
        wrapped = "CASE WHEN __step < 0 THEN __step + __count WHEN __step >= __count THEN __step - __count ELSE __step"
        return [
            [f"unnest(CASE WHEN {south} <> {north} THEN [{south}, {north}] ELSE [{south}] END) AS __zone", _turn(ra)],
            *self.counts(),
            [f"unnest(CASE WHEN __count > 1 AND {west} <> {east} THEN [{west}, {east}] ELSE [{west}] END) AS __step"],
            [f"TRY_CAST(__zone * {PER_ZONE} + {wrapped} END AS BIGINT) AS __cell"],
        ]


def _turn(ra: str) -> str:
    # The factor keeps it below 1, where a right ascension of -1e-20 rounds to.
    return f"({ra} / 360e0 - floor({ra} / 360e0)) * 0.999999999999999e0 AS __turn"


def grid_of(radius: float) -> Grid:
    reach = radius * (1 + SLACK) + SLACK
    return Grid(real(max(LOWEST, 3 * reach)), real(reach))


# --- the rewrite ------------------------------------------------------------------------------------------


def positional_join(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Makes the first bounded distance between two tables of a SELECT a join of equal cells."""
    joins: list[exp.Expr] = select.args.get("joins") or []
    where = select.args.get("where")
    if any(join.args.get("method") for join in joins):
        return  # NATURAL JOIN would compare the cells as well
    places: list[tuple[exp.Expr, str, exp.Expr]] = [
        (join, "on", join.args["on"]) for join in joins if join.args.get("on")
    ]
    places += [(where, "this", where.this)] if where else []
    for holder, key, condition in places:
        side = holder.args.get("side") if isinstance(holder, exp.Join) else None
        if side == "FULL":
            continue
        for part in conjuncts(condition):
            for match in matches(part):
                one, other = match.one, match.other
                if side:
                    # The side whose rows an outer join keeps must not be multiplied.
                    one, other = sorted((one, other), key=lambda end: _may_lack(end.source, holder))
                    if not _may_lack(other.source, holder):
                        continue
                elif _size(one.source) < _size(other.source):
                    one, other = other, one
                tables = [select.args["from_"].this, *(join.this for join in joins)]
                nodes = [_node_of(end.source, *tables) for end in (one, other)]
                if None in nodes or any(column.args.get("db") for column in select.find_all(exp.Column)):
                    continue
                first: list[list[str]] = []
                if isinstance(match.radius, float):
                    grid, most = grid_of(match.radius), f"{match.radius:.6g} degrees"
                else:
                    source, radius = match.radius
                    owner = nodes[0 if source is one.source else 1]
                    if not isinstance(owner, exp.Table):
                        continue  # it would be computed twice
                    grid, most = Grid("__height", "__reach"), f"the largest {write(radius)}"
                    first = _largest(owner, write(radius), match.circle, write)
                items = without_stars(select)
                if items is None:
                    return
                select.set("expressions", items)
                layers = [(one, grid.cell), (other, grid.cells_around)]
                for node, (end, cells) in zip(nodes, layers, strict=True):
                    ra, dec = (f"CAST({write(number)} AS DOUBLE)" for number in (end.ra, end.dec))
                    _wrap(node, end.source.name, [*first, *cells(ra, dec)])
                equal = Raw(this=f"{_quoted(one.source.name)}.__cell = {_quoted(other.source.name)}.__cell")
                old = exp.Paren(this=condition) if isinstance(condition, exp.Or) else condition
                holder.set(key, exp.And(this=equal, expression=old))
                explain.append(
                    f"the distance between {one.source.name} and {other.source.name}, {most} at most, "
                    "became a join of equal cells"
                )
                return


def _may_lack(source: Source, join: exp.Expr) -> bool:
    """Whether an outer join drops rows of the table that find none on the other side."""
    right = _node_of(source, join.this) is not None
    return right == (join.args["side"] == "LEFT")


def _size(source: Source) -> int:
    """Which of two tables is likely larger: an archive's rather than a user's, and both than a part of one."""
    if source.table is None:
        return 0
    return 2 if source.table.cell_column else 1


def _largest(table: exp.Table, radius: str, circle: bool, write: Write) -> list[list[str]]:
    """Layers with the largest radius of a table's rows, as __reach, and the height of the zones.

    180 degrees hold everything, and are what `least` makes of NaN, which DuckDB takes to be above all numbers; it is
    the radius of no `circle`.
    """
    alone = table.copy()
    alone.set("joins", None)
    size = f"CAST({radius} AS DOUBLE)"
    size = f"nullif({size}, 'nan'::DOUBLE)" if circle else size
    largest = f"(SELECT max(least({size}, 180e0)) FROM {write(alone)})"
    return [
        [f"{largest} * {real(1 + SLACK)} + {real(SLACK)} AS __reach"],
        [f"greatest({real(LOWEST)}, 3e0 * __reach) AS __height"],
    ]


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _node_of(source: Source, *tables: exp.Expr) -> Any:
    """The table of a FROM clause that a source stands for."""
    for table in tables:
        if is_brackets(table):
            found = _node_of(source, table.this, *(join.this for join in table.this.args.get("joins") or []))
            if found is not None:
                return found
        elif (table.alias_or_name or "").lower() == source.name.lower():
            return table
    return None


def _wrap(node: exp.Expr, name: str, layers: list[list[str]]) -> None:
    """Puts a table into subqueries of its name, one around another, that add columns."""
    joins = node.args.pop("joins", None)
    place = exp.Subquery(joins=joins)
    node.replace(place)
    alias = exp.TableAlias(this=exp.Identifier(this=name, quoted=True))
    inner = node
    for layer in layers:
        columns = [exp.Star(), *(Raw(this=column) for column in layer)]
        query = exp.Select(expressions=columns, from_=exp.From(this=inner))
        inner = exp.Subquery(this=query, alias=alias.copy())
    place.set("this", query)
    place.set("alias", alias)
