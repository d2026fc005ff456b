"""Ask models last, and once for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from sedsql.adql.optimizer.rows_subquery import RowsSubquery
from sedsql.adql.resolver.select_parts import conjuncts, joined, without_stars
from sedsql.adql.tree.model_function import model_of
from sedsql.adql.tree.nodes import Call, RawSQL
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.parts import parts_of
from sedsql.adql.tree.signature import Write


def models_last_and_once(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Have models asked after all other conditions, and once for each row however often a query names them.

    DuckDB calls a function in WHERE and again in SELECT, and puts conditions in an order of its own. So a subquery
    gets the tables and the cheap conditions and computes the models' output; the query around it uses that.
    `unnest([...])` in between is what no optimizer moves conditions through: as OFFSET 0 is, but with all threads.

    Several calls may share a value (`ModelFunction.shared`): sed_class(s) and sed_proba(s, 'yso') cost one inference. A
    single call stays as it is; the shared value costs more. Where WHERE asks for one call alone that costs much less
    than the shared value (`ModelFunction.is_quick`), that call is computed first, and the value for the rows left.
    """
    query = _Query.of(select, write)
    if query is None:
        return
    first = _quick_call(query)
    plan = _plan_first(query, first) if first else _plan(query, write)
    if plan is None or not query.can_be_parted:
        return
    if first:
        _write_bands([call for call, text in query.calls if text != first])
    _rebuild(query, plan, write)
    if first:
        explain.append(f"{first} is asked first, all else of the rows that are left")
        models_last_and_once(select, write, explain)
    else:
        times = f"{len(plan.values)} time{'s' * (len(plan.values) > 1)}"
        explain.append(f"models are asked {times} for each row, after all other conditions")


@dataclass(frozen=True)
class _Query:
    """A SELECT with calls of models.

    Attributes
    ----------
    calls : with their SQL
    items : what it selects, with `*` written out; None where the columns cannot be named
    cheap, dear : the parts of WHERE without and with calls
    clauses : GROUP BY, HAVING and ORDER BY, as far as it has them
    """

    select: exp.Select
    calls: list[tuple[Call, str]]
    items: list[exp.Expr] | None
    cheap: list[exp.Expr]
    dear: list[exp.Expr]
    clauses: dict[str, exp.Expr]

    @classmethod
    def of(cls, select: exp.Select, write: Write) -> _Query | None:
        """Read a SELECT; give None where it has no calls, or a subquery cannot compute them."""
        calls = list(_model_calls(select))
        nested = any(inner is not call for call in calls for inner in _model_calls(call))
        if not calls or nested or any(call.find(exp.AggFunc) for call in calls) or _is_correlated(select):
            return None
        where = select.args.get("where")
        cheap: list[exp.Expr] = []
        dear: list[exp.Expr] = []
        for part in conjuncts(where.this if where else None):
            (dear if any(True for _ in _model_calls(part)) else cheap).append(part)
        clauses = {key: select.args[key] for key in ("group", "having", "order") if select.args.get(key)}
        written = [(call, write(call)) for call in calls]
        return cls(select, written, without_stars(select), cheap, dear, clauses)

    @property
    def different(self) -> int:
        """The number of different calls."""
        return len({text for _, text in self.calls})

    @property
    def can_be_parted(self) -> bool:
        """Whether a subquery can give all columns that the query around it needs."""
        if self.items is None:
            return False
        return not any(node.find(exp.Query) for node in (*self.items, *self.dear, *self.clauses.values()))


@dataclass(frozen=True)
class _Plan:
    """What the subquery computes.

    Attributes
    ----------
    values : from the SQL of a value to its name in the subquery
    uses : by the id of a call, the name of its value, and what the call gives from the column that holds the value
    """

    values: dict[str, str]
    uses: dict[int, tuple[str, Callable[[exp.Expr], exp.Expr]]]


def _plan(query: _Query, write: Write) -> _Plan | None:
    """Plan to compute the values that calls share; give None where SELECT alone has calls that share nothing.

    DuckDB computes equal expressions of SELECT once.
    """
    values: dict[str, str] = {}
    uses: dict[int, tuple[str, Callable[[exp.Expr], exp.Expr]]] = {}
    for call, text in query.calls:
        shared = model_of(call).shared(call.arguments) if query.different > 1 else None
        value, use = (write(shared.value), shared.use) if shared else (text, _itself)
        uses[id(call)] = values.setdefault(value, f"_m{len(values) + 1}"), use
    return _Plan(values, uses) if query.dear or len(values) < query.different else None


def _plan_first(query: _Query, first: str) -> _Plan:
    """Plan to compute one call alone."""
    return _Plan({first: "_first"}, {id(call): ("_first", _itself) for call, text in query.calls if text == first})


def _itself(value: exp.Expr) -> exp.Expr:
    return value


def _quick_call(query: _Query) -> str | None:
    """Find the quick call that WHERE depends on alone, where the query has other calls as well."""
    written = {id(call): text for call, text in query.calls}
    asked = {written[id(call)]: call for part in query.dear for call in _model_calls(part)}
    if len(asked) != 1 or query.different == 1 or not all(_takes_bands(call) for call, _ in query.calls):
        return None
    ((text, call),) = asked.items()
    return text if model_of(call).is_quick(call.arguments) else None


def _rebuild(query: _Query, plan: _Plan, write: Write) -> None:
    """Move the tables, the cheap conditions and the values into a subquery that the rest of the query reads."""
    select, items = query.select, query.items or []
    rows = RowsSubquery(select, plan.uses, write)
    aliases = {item.alias.lower() for item in items if isinstance(item, exp.Alias)}
    select.set("expressions", [rows.item(item) for item in items])
    rest = joined([rows.moved(part) for part in query.dear])
    for key, clause in query.clauses.items():
        select.set(key, rows.moved(clause, aliases))
    inner = exp.Select(from_=select.args["from_"], joins=select.args.get("joins"))
    values = [RawSQL(this=f"unnest([{value}]) AS {name}") for value, name in plan.values.items()]
    inner.set("expressions", [*rows.columns, *values])
    inner.set("where", exp.Where(this=joined(query.cheap)) if query.cheap else None)
    select.set("from_", exp.From(this=rows.of(inner)))
    select.set("joins", None)
    select.set("where", exp.Where(this=rest) if rest is not None else None)
    rows.forget(select)


def _model_calls(node: exp.Expr) -> Iterator[Call]:
    return (found for found in parts_of(node, Call) if notes(found).model)


def _is_correlated(select: exp.Select) -> bool:
    """Tell whether a query names columns of one around it: DuckDB does not always find these in a subquery of it."""
    scope = notes(select).scope
    own = {id(source) for source in scope.sources} if scope else set()
    named = (notes(column).source or notes(column).row for column in parts_of(select, exp.Column))
    return any(source is not None and id(source) not in own for source in named)


def _takes_bands(call: Call) -> bool:
    """Tell whether a call may have the columns of its row in the place of the row."""
    row, *others = call.arguments
    function = model_of(call)
    return notes(row).row is None or len(function.columns) + len(others) in function.arity


def _write_bands(calls: Sequence[Call]) -> None:
    """Replace the alias of a row by the row's columns, for the alias is not known outside the subquery."""
    for call in calls:
        row, *others = call.arguments
        if notes(row).row:
            names = model_of(call).columns
            bands = [exp.Column(this=exp.Identifier(this=name), table=row.this.copy()) for name in names]
            call.set("expressions", [*bands, *others])
