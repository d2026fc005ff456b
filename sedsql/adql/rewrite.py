"""What makes a query fast: regions as ranges of cells, and models asked last and once for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlglot import exp

from sedsql.adql import geometry, sky
from sedsql.adql.crossmatch import positional_join
from sedsql.adql.nodes import Call
from sedsql.adql.scope import Source

Write = Callable[[exp.Expr], str]


class Raw(exp.Expression):
    """SQL that is ready."""

    arg_types = {"this": True}  # noqa: RUF012


def rewrite(query: exp.Expr, write: Write, explain: list[str]) -> None:
    """Rewrites every SELECT of a resolved query in place, and tells in `explain` what was done."""
    for select in list(query.find_all(exp.Select)):
        regions_to_ranges(select, write, explain)
        positional_join(select, _without_stars, conjuncts, Raw, explain)
        models_last_and_once(select, write, explain)


def conjuncts(condition: exp.Expr | None) -> list[exp.Expr]:
    """The parts of a condition that AND joins."""
    parts: list[exp.Expr] = []
    left = [condition] if condition is not None else []
    while left:
        node = left.pop()
        if isinstance(node, exp.And):
            left += [node.expression, node.this]
        elif isinstance(node, exp.Paren) and isinstance(node.this, exp.And | exp.Paren):
            left.append(node.this)
        else:
            parts.append(node)
    return parts


def joined(parts: Sequence[exp.Expr]) -> exp.Expr | None:
    """The parts, joined by AND again."""
    whole: exp.Expr | None = None
    for part in parts:
        part = exp.Paren(this=part) if isinstance(part, exp.Or) else part
        whole = exp.And(this=whole, expression=part) if whole is not None else part
    return whole


# --- regions ----------------------------------------------------------------------------------------------


def regions_to_ranges(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Adds to each region around constant numbers the ranges of cells, and the declinations, that it lies in.

    DuckDB then skips the row groups outside; the exact test stays.
    """
    where = select.args.get("where")
    if where is None:
        return
    parts = conjuncts(where.this)
    added: list[exp.Expr] = []
    for part in parts:
        for found in _cones(part, write):
            source, (ra, dec, radius) = found
            table: Any = source.table
            low, high = dec - radius, dec + radius
            if radius < 90:
                added.append(_between(source, table.position[1], geometry.real(low), geometry.real(high)))
            ranges = sky.cone(ra, dec, radius) if table.cell_column else None
            if not ranges:
                continue
            added.append(_between(source, table.cell_column, str(ranges[0][0]), str(ranges[-1][1])))
            if len(ranges) > 1:
                tests = [_between(source, table.cell_column, str(a), str(b)) for a, b in ranges]
                whole: exp.Expr = tests[0]
                for test in tests[1:]:
                    whole = exp.Or(this=whole, expression=test)
                added.append(whole)
            explain.append(
                f"the region around ({ra:.6g}, {dec:.6g}) with radius {radius:.6g} degrees became {len(ranges)} "
                f"range{'s' * (len(ranges) > 1)} of {source.name}.{table.cell_column}"
            )
    if added:
        where.set("this", joined(added + parts))


def _between(source: Source, column: str, low: str, high: str) -> exp.Expr:
    name = exp.Column(this=exp.Identifier(this=column), table=exp.Identifier(this=source.name))
    return exp.Between(this=name, low=Raw(this=low), high=Raw(this=high))


def _cones(part: exp.Expr, write: Write) -> Iterator[tuple[Source, tuple[float, float, float]]]:
    """Cones that hold every row for which a condition is true, with the table whose positions they bound."""
    for test, number in _sides(part):
        if isinstance(test, Call) and test.name in ("CONTAINS", "INTERSECTS"):
            value = geometry.constant(number)
            if (value == 1 and isinstance(part, exp.EQ)) or (value == 0 and isinstance(part, exp.NEQ)):
                yield from _bounded(test, write)
        if isinstance(test, Call) and test.name == "DISTANCE":
            radius = geometry.constant(number)
            upper = (exp.LT, exp.LTE) if test is part.this else (exp.GT, exp.GTE)
            if radius is not None and isinstance(part, (*upper, exp.EQ)):
                values = test.arguments
                if len(values) == 4:
                    ends = [_place(values[:2]), _place(values[2:])]
                else:
                    ends = [_point(value) for value in values]
                yield from _with_column(ends, radius)
    if isinstance(part, exp.Between) and isinstance(part.this, Call) and part.this.name == "DISTANCE":
        upper_limit = exp.LTE(this=part.this, expression=part.args["high"])
        part.set("this", upper_limit.this)
        yield from _cones(upper_limit, write)


def _sides(part: exp.Expr) -> list[tuple[exp.Expr, exp.Expr]]:
    part = part.unnest()
    if not isinstance(part, exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        return []
    return [(part.this, part.expression), (part.expression, part.this)]


Place = tuple[Source, None] | tuple[None, tuple[float, float]] | None


def _bounded(test: Call, write: Write) -> Iterator[tuple[Source, tuple[float, float, float]]]:
    first, second = test.arguments
    if test.name == "INTERSECTS" and isinstance(second, Call) and second.name == "POINT":
        first, second = second, first
    place = _point(first)
    if place is None or not isinstance(second, Call):
        return
    if second.name == "CIRCLE":
        arguments = geometry.without_system(second.arguments, "CIRCLE")
        radius = geometry.constant(arguments[-1])
        centre = _point(arguments[0]) if len(arguments) == 2 else _place(arguments[:2])
        if radius is not None:
            yield from _with_column([place, centre], radius)
    elif place[0] is not None and second.name in ("BOX", "POLYGON", "REGION"):
        try:
            shape = geometry.shape(second, write)
        except geometry.UnsupportedError:
            return
        around = {"B": sky.around_box, "Y": sky.around_polygon}.get(shape.kind)
        cone = around(shape.values) if around and shape.constant else None
        if shape.kind == "C":
            ra, dec, radius = shape.values
            cone = (ra, dec, radius)
        if cone:
            yield place[0], cone


def _with_column(ends: list[Place], radius: float) -> Iterator[tuple[Source, tuple[float, float, float]]]:
    """The cone of two ends, one of which is a table's position and the other a constant place."""
    sources = [end[0] for end in ends if end and end[0] is not None]
    places = [end[1] for end in ends if end and end[1] is not None]
    if len(sources) == len(places) == 1 and radius >= 0 and abs(places[0][1]) <= 90:
        yield sources[0], (*places[0], radius)


def _point(node: exp.Expr) -> Place:
    if isinstance(node, Call) and node.name == "POINT":
        return _place(geometry.without_system(node.arguments, "POINT"))
    return None


def _place(numbers: list[Any]) -> Place:
    """A constant place, or the table whose position two columns are."""
    ra, dec = (geometry.constant(number) for number in numbers)
    if ra is not None and dec is not None:
        return None, (ra, dec)
    if not all(isinstance(number, exp.Column) for number in numbers):
        return None
    source = numbers[0].meta.get("source")
    if source is None or source is not numbers[1].meta.get("source"):
        return None
    if source.table is None or not source.table.position:
        return None
    names = tuple(number.name.lower() for number in numbers)
    return (source, None) if names == tuple(name.lower() for name in source.table.position) else None


# --- models -----------------------------------------------------------------------------------------------


def models_last_and_once(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Has models asked after all other conditions, and once for each row however often a query names them.

    DuckDB calls a function in WHERE and again in SELECT, and puts conditions in an order of its own. So a
    subquery gets the tables and the cheap conditions and computes what models say; the query around it
    uses that. `unnest([...])` in between is what no optimiser moves conditions through: as OFFSET 0 is, but
    with all threads.

    A function that is handed in may have `share(arguments)`: from the SQL of its arguments it gives the SQL of
    a value that several functions can be had from, and a function from the SQL of that value to the SQL of
    this call. So sed_class(s) and sed_proba(s, 'yso') cost one inference.
    """
    calls = list(_model_calls(select))
    if not calls or any(call.find(exp.AggFunc) for call in calls):
        return
    where = select.args.get("where")
    parts = conjuncts(where.this if where else None)
    dear = [part for part in parts if any(True for _ in _model_calls(part))]
    shared = {id(call): _shared(call, write) for call in calls}
    values = list(dict.fromkeys(value for value, _ in shared.values()))
    if not dear and len(values) == len({write(call) for call in calls}):
        return  # SELECT alone computes equal expressions once
    items = _without_stars(select)
    clauses = {key: select.args[key] for key in ("group", "having", "order") if select.args.get(key)}
    if items is None or any(node.find(exp.Query) for node in (*items, *dear, *clauses.values())):
        return

    aliases = {item.alias.lower() for item in items if isinstance(item, exp.Alias)}
    columns: dict[str, tuple[str, exp.Expr]] = {}  # SQL -> the name in the subquery, and the column

    def outside(node: exp.Expr, names: set[str]) -> exp.Expr:
        """A part of the query around: columns and calls of models by their names in the subquery."""
        if isinstance(node, Call) and id(node) in shared:
            value, use = shared[id(node)]
            return Raw(this=use(f"_rows._m{values.index(value) + 1}"))
        if not isinstance(node, exp.Column):
            return node
        if not node.args.get("table") and node.name.lower() in names and "source" not in node.meta:
            return node  # a name that SELECT gives
        text = write(node)
        if text.lower() not in columns:
            used = {name.lower() for name, _ in columns.values()}
            name = node.name if node.name.lower() not in used else f"_c{len(columns) + 1}"
            columns[text.lower()] = (name, node)
        named = exp.Identifier(this=columns[text.lower()][0])
        return exp.Column(this=named, table=exp.Identifier(this="_rows"), _meta={"done": True})

    def moved(node: exp.Expr, names: set[str]) -> exp.Expr:
        return node.transform(lambda part: part if part.meta.get("done") else outside(part, names), copy=False)

    for place, item in enumerate(items):
        found = moved(item, set())
        named = isinstance(item, exp.Column)
        items[place] = exp.Alias(this=found, alias=exp.Identifier(this=item.name)) if named else found
    cheap = [part for part in parts if not any(part is other for other in dear)]
    rest = joined([moved(part, set()) for part in dear])
    for key, clause in clauses.items():
        select.set(key, moved(clause, aliases))
    inner = exp.Select(from_=select.args["from_"], joins=select.args.get("joins"))
    inner.set("expressions", [
        *(exp.Alias(this=column, alias=exp.Identifier(this=name)) for name, column in columns.values()),
        *(Raw(this=f"unnest([{value}]) AS _m{number}") for number, value in enumerate(values, 1)),
    ])  # fmt: skip
    inner.set("where", exp.Where(this=joined(cheap)) if cheap else None)
    rows = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.Identifier(this="_rows")))
    select.set("expressions", items)
    select.set("from_", exp.From(this=rows))
    select.set("joins", None)
    select.set("where", exp.Where(this=rest) if rest is not None else None)
    times = f"{len(values)} time{'s' * (len(values) > 1)}"
    explain.append(f"models are asked {times} for each row, after all other conditions")


def _model_calls(node: exp.Expr) -> Iterator[Call]:
    for found in node.walk(prune=lambda part: isinstance(part, exp.Query) and part is not node):
        if isinstance(found, Call) and "model" in found.meta:
            yield found


def _shared(call: Call, write: Write) -> tuple[str, Callable[[str], str]]:
    share = getattr(call.meta["model"], "share", None)
    found = share([write(argument) for argument in call.arguments]) if share else None
    return found or (write(call), lambda value: value)


def _without_stars(select: exp.Select) -> list[exp.Expr] | None:
    """The items of a SELECT with `*` and `t.*` written out; None where the columns are not known."""
    items: list[exp.Expr] = []
    scope = select.meta.get("scope")
    for item in select.expressions:
        star = isinstance(item, exp.Star)
        if not star and not (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
            items.append(item)
            continue
        if scope is None or (star and scope.merged):
            return None
        for source in scope.sources:
            if star or source.is_called(item.args["table"]):
                if source.columns is None:
                    return None
                table = exp.Identifier(this=source.name)
                names = (exp.Identifier(this=name) for name in source.columns)
                items += [exp.Column(this=name, table=table.copy()) for name in names]
    return items
