"""Replace the comparison of all pairs in a positional join by a join of equal cells.

One table gets the number of its cell (`zone_cells.py`), the other a row for each cell that its circles touch; the exact
test stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from sedsql.adql.optimizer.position_matches import End, Match, matches
from sedsql.adql.optimizer.zone_cells import Grid, Layers
from sedsql.adql.resolver.scope import Source
from sedsql.adql.resolver.select_parts import conjuncts, is_brackets, without_stars
from sedsql.adql.tree.nodes import RawSQL
from sedsql.adql.tree.signature import Write


def positional_join(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Make the first bounded distance between two tables of a SELECT a join of equal cells."""
    plan = next(_plans(select), None)
    items = without_stars(select) if plan else None
    if plan is None or items is None:
        return
    grid, most = _grid(plan, write)
    select.set("expressions", items)
    _rebuild(plan, grid, write)
    one, other = plan.one.source.name, plan.other.source.name
    explain.append(f"the distance between {one} and {other}, {most} at most, became a join of equal cells")


@dataclass(frozen=True, slots=True)
class _Condition:
    """A condition on the rows of a join: ON of a join, or WHERE."""

    holder: exp.Expr
    key: str

    @property
    def tree(self) -> exp.Expr:
        return self.holder.args[self.key]

    @property
    def side(self) -> str | None:
        """LEFT, RIGHT or FULL, where it is ON of an outer join."""
        return self.holder.args.get("side") if isinstance(self.holder, exp.Join) else None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A join of equal cells.

    Attributes
    ----------
    condition : holds the match
    one, other : the position that gets its cell, and the one that gets a row for each cell that its circles touch
    nodes : the tables of FROM that have these
    """

    condition: _Condition
    match: Match
    one: End
    other: End
    nodes: tuple[exp.Expr, exp.Expr]


def _plans(select: exp.Select) -> Iterator[_Plan]:
    """Find all joins of cells that a SELECT could have."""
    joins: list[exp.Expr] = select.args.get("joins") or []
    if any(join.args.get("method") for join in joins):
        return  # NATURAL JOIN would compare the cells as well
    conditions = [_Condition(join, "on") for join in joins if join.args.get("on")]
    if where := select.args.get("where"):
        conditions.append(_Condition(where, "this"))
    tables = [select.args["from_"].this, *(join.this for join in joins)]
    for condition in conditions:
        for part in conjuncts(condition.tree) if condition.side != "FULL" else ():
            for match in matches(part):
                plan = _plan(condition, match, tables)
                if plan and not any(column.args.get("db") for column in select.find_all(exp.Column)):
                    yield plan


def _plan(condition: _Condition, match: Match, tables: list[exp.Expr]) -> _Plan | None:
    """Choose the table that gets a row for each cell; None where neither can."""
    one, other = match.one, match.other
    if condition.side:
        # The side whose rows an outer join keeps must not be multiplied.
        one, other = sorted((one, other), key=lambda end: _may_lack(end.source, condition.holder))
        if not _may_lack(other.source, condition.holder):
            return None
    elif _size(one.source) < _size(other.source):
        one, other = other, one
    nodes = _node_of(one.source, *tables), _node_of(other.source, *tables)
    if None in nodes:
        return None
    plan = _Plan(condition, match, one, other, nodes)
    # A radius of a subquery's columns would have it computed twice.
    return plan if isinstance(match.radius, float) or isinstance(_owner(plan), exp.Table) else None


def _owner(plan: _Plan) -> Any:
    """Find the table of FROM whose columns the radius is made of."""
    assert not isinstance(plan.match.radius, float)
    return plan.nodes[0 if plan.match.radius[0] is plan.one.source else 1]


def _grid(plan: _Plan, write: Write) -> tuple[Grid, str]:
    """Choose the grid for the radius of a match, and say what the radius is at most."""
    if isinstance(plan.match.radius, float):
        return Grid.of(plan.match.radius), f"{plan.match.radius:.6g} degrees"
    radius = write(plan.match.radius[1])
    return Grid.of_largest(_largest(_owner(plan), radius, plan.match.circle, write)), f"the largest {radius}"


def _rebuild(plan: _Plan, grid: Grid, write: Write) -> None:
    """Add cells to both tables, and to the condition that the cells are equal."""
    for node, end, cells in zip(plan.nodes, (plan.one, plan.other), (grid.cell, grid.cells_around), strict=True):
        ra, dec = (f"CAST({write(number)} AS DOUBLE)" for number in (end.ra, end.dec))
        _wrap(node, end.source.name, cells(ra, dec))
    equal = RawSQL(this=f"{_quoted(plan.one.source.name)}.__cell = {_quoted(plan.other.source.name)}.__cell")
    old = plan.condition.tree
    old = exp.Paren(this=old) if isinstance(old, exp.Or) else old
    plan.condition.holder.set(plan.condition.key, exp.And(this=equal, expression=old))


def _may_lack(source: Source, join: exp.Expr) -> bool:
    """Tell whether an outer join drops rows of the table that match none on the other side."""
    right = _node_of(source, join.this) is not None
    return right == (join.args["side"] == "LEFT")


def _size(source: Source) -> int:
    """Rank tables by their likely size: an archive's above a user's, and both above a subquery."""
    if source.table is None:
        return 0
    return 2 if source.table.cell_column else 1


def _largest(table: exp.Table, radius: str, circle: bool, write: Write) -> str:
    """Write the largest radius of a table's rows as SQL.

    180 degrees hold everything, and are what `least` makes of NaN, which DuckDB takes to be above all numbers; it is
    the radius of no `circle`.
    """
    alone = table.copy()
    alone.set("joins", None)
    size = f"CAST({radius} AS DOUBLE)"
    size = f"nullif({size}, 'nan'::DOUBLE)" if circle else size
    return f"(SELECT max(least({size}, 180e0)) FROM {write(alone)})"


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _node_of(source: Source, *tables: exp.Expr) -> Any:
    """Find the table of FROM that a source stands for."""
    for table in tables:
        if is_brackets(table):
            found = _node_of(source, table.this, *(join.this for join in table.this.args.get("joins") or []))
            if found is not None:
                return found
        elif (table.alias_or_name or "").lower() == source.name.lower():
            return table
    return None


def _wrap(node: exp.Expr, name: str, layers: Layers) -> None:
    """Wrap a table in nested subqueries of its name, each of which adds a layer of columns."""
    joins = node.args.pop("joins", None)
    place = exp.Subquery(joins=joins)
    node.replace(place)
    alias = exp.TableAlias(this=exp.Identifier(this=name, quoted=True))
    inner = node
    for layer in layers:
        columns = [exp.Star(), *(RawSQL(this=column) for column in layer)]
        query = exp.Select(expressions=columns, from_=exp.From(this=inner))
        inner = exp.Subquery(this=query, alias=alias.copy())
    place.set("this", query)
    place.set("alias", alias)
