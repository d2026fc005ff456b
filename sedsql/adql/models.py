"""Models are asked last, and once for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from sedsql.adql import geometry, kinds
from sedsql.adql.function import Write
from sedsql.adql.nodes import Call
from sedsql.adql.selects import Raw, conjuncts, joined, without_stars


def models_last_and_once(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Has models asked after all other conditions, and once for each row however often a query names them.

    DuckDB calls a function in WHERE and again in SELECT, and puts conditions in an order of its own. So a
    subquery gets the tables and the cheap conditions and computes what models say; the query around it
    uses that. `unnest([...])` in between is what no optimiser moves conditions through: as OFFSET 0 is, but
    with all threads.

    A function that is handed in may have `share(arguments)`: from the SQL of its arguments it gives the SQL of
    a value that several functions can be had from, and a function from the SQL of that value to the SQL of
    this call. So sed_class(s) and sed_proba(s, 'yso') cost one inference.
    A query with one call alone keeps it: what several are had from costs more.

    It may have `quick(arguments)` too, which tells that this call costs much less than that value. Where WHERE asks
    just for one such call, it is computed first, and the value for the rows that are left.
    """
    calls = list(_model_calls(select))
    nested = any(inner is not call for call in calls for inner in _model_calls(call))
    if not calls or nested or any(call.find(exp.AggFunc) for call in calls) or _is_correlated(select):
        return
    where = select.args.get("where")
    parts = conjuncts(where.this if where else None)
    dear = [part for part in parts if any(True for _ in _model_calls(part))]
    different = len({write(call) for call in calls})
    first = _first(dear, write) if different > 1 and all(map(_takes_bands, calls)) else None
    if first:
        _with_bands([call for call in calls if write(call) != first])
        calls, different = [call for call in calls if write(call) == first], 1
    shared = {id(call): _shared(call, write) if different > 1 else (write(call), _itself) for call in calls}
    values = list(dict.fromkeys(value for value, _ in shared.values()))
    if not dear and len(values) == different:
        return  # SELECT alone computes equal expressions once
    items = without_stars(select)
    clauses = {key: select.args[key] for key in ("group", "having", "order") if select.args.get(key)}
    if items is None or any(node.find(exp.Query) for node in (*items, *dear, *clauses.values())):
        return

    aliases = {item.alias.lower() for item in items if isinstance(item, exp.Alias)}
    merged = select.meta["scope"].merged if "scope" in select.meta else ()
    columns: dict[object, tuple[str, exp.Expr]] = {}  # what it is -> the name in the subquery, and the column

    def outside(node: exp.Expr, names: set[str]) -> exp.Expr:
        """A part of the query around: columns and calls of models by their names in the subquery."""
        if isinstance(node, Call) and id(node) in shared:
            value, use = shared[id(node)]
            if first:
                return _of_rows("_first")
            return Raw(this=use(f"_rows._m{values.index(value) + 1}"))
        in_unit = isinstance(node, Call) and node.name == "IN_UNIT"  # it asks the catalogue about its column
        if not isinstance(node, exp.Column) and not in_unit:
            return node
        if not node.args.get("table") and node.name.lower() in names and "source" not in node.meta:
            return node  # a name that SELECT gives
        source = None if in_unit else node.meta.get("source")
        # What USING and NATURAL made of two columns is neither of them where an outer join leaves one out.
        both = not node.args.get("table") and node.name.lower() in merged
        key = (id(source), node.name.lower(), both) if source else write(node).lower()
        if key not in columns:
            used = {name.lower() for name, _ in columns.values()}
            free = not in_unit and node.name.lower() not in used
            name = node.name if free else f"_c{len(columns) + 1}"
            columns[key] = (name, node)
        return _of_rows(columns[key][0], node)

    def moved(node: exp.Expr, names: set[str]) -> exp.Expr:
        return node.transform(lambda part: part if part.meta.get("done") else outside(part, names), copy=False)

    for place, item in enumerate(items):
        name = _name(item) if isinstance(item, exp.Column) else None
        found = moved(item, set())
        items[place] = exp.Alias(this=found, alias=exp.Identifier(this=name)) if name else found
    cheap = [part for part in parts if not any(part is other for other in dear)]
    rest = joined([moved(part, set()) for part in dear])
    for key, clause in clauses.items():
        select.set(key, moved(clause, aliases))
    inner = exp.Select(from_=select.args["from_"], joins=select.args.get("joins"))
    inner.set("expressions", [
        *(exp.Alias(this=column, alias=exp.Identifier(this=name)) for name, column in columns.values()),
        *(Raw(this=f"unnest([{value}]) AS {'_first' if first else f'_m{k}'}") for k, value in enumerate(values, 1)),
    ])  # fmt: skip
    inner.set("where", exp.Where(this=joined(cheap)) if cheap else None)
    rows = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.Identifier(this="_rows")))
    select.set("expressions", items)
    select.set("from_", exp.From(this=rows))
    select.set("joins", None)
    select.set("where", exp.Where(this=rest) if rest is not None else None)
    if first:
        explain.append(f"{first} is asked first, all else of the rows that are left")
        for node in select.walk():
            node.meta.pop("done", None)
        return models_last_and_once(select, write, explain)
    times = f"{len(values)} time{'s' * (len(values) > 1)}"
    explain.append(f"models are asked {times} for each row, after all other conditions")


def _model_calls(node: exp.Expr) -> Iterator[Call]:
    for found in node.walk(prune=lambda part: isinstance(part, exp.Query) and part is not node):
        if isinstance(found, Call) and "model" in found.meta:
            yield found


def _is_correlated(select: exp.Select) -> bool:
    """Whether a query names columns of one around it, which DuckDB finds in a subquery of it only at times."""
    scope = select.meta.get("scope")
    own = {id(source) for source in scope.sources} if scope else set()
    named = (column.meta.get("source") or column.meta.get("row") for column in _columns(select))
    return any(source is not None and id(source) not in own for source in named)


def _columns(select: exp.Select) -> Iterator[exp.Expr]:
    for found in select.walk(prune=lambda part: isinstance(part, exp.Query) and part is not select):
        if isinstance(found, exp.Column):
            yield found


def _first(dear: list[exp.Expr], write: Write) -> str | None:
    """The one quick call that conditions ask for, if it is one."""
    calls = {write(call): call for part in dear for call in _model_calls(part)}
    if len(calls) != 1:
        return None
    ((text, call),) = calls.items()
    quick = getattr(call.meta["model"], "quick", None)
    return text if quick and quick([write(argument) for argument in call.arguments]) else None


def _takes_bands(call: Call) -> bool:
    """Whether the columns of its row can stand in the place of the row."""
    row, *others = call.arguments
    function = call.meta["model"]
    return "row" not in row.meta or len(function.columns) + len(others) in function.arity


def _with_bands(calls: list[Call]) -> None:
    """Gives calls the columns of the row in the place of its alias, which a subquery does not let out."""
    for call in calls:
        row, *others = call.arguments
        if "row" in row.meta:
            names = call.meta["model"].columns
            bands = [exp.Column(this=exp.Identifier(this=name), table=row.this.copy()) for name in names]
            call.set("expressions", [*bands, *others])


def _name(column: exp.Column) -> str:
    """What the answer calls a column: as its table does."""
    source = column.meta.get("source")
    known = source.columns.get(column.name.lower()) if source is not None and source.columns else None
    return known.name if known else column.name


def _of_rows(name: str, column: exp.Expr | None = None) -> exp.Column:
    """A column of the subquery, with the kind and type of the column that it is."""
    table = exp.Identifier(this="_rows")
    made = exp.Column(this=exp.Identifier(this=name), table=table, _meta={"done": True})
    if column is not None and (kind := kinds.of(column)):
        made.meta["kind"] = kind
    if isinstance(column, exp.Column):
        made.meta["datatype"] = geometry.datatype(column)
    return made


def _shared(call: Call, write: Write) -> tuple[str, Callable[[str], str]]:
    share = getattr(call.meta["model"], "share", None)
    found = share([write(argument) for argument in call.arguments]) if share else None
    return found or (write(call), _itself)


def _itself(value: str) -> str:
    return value
