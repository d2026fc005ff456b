"""Find how far `TOP n ... ORDER BY column` reaches before the other columns of a wide table are read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from sedsql.adql.resolver.grouping import is_aggregate
from sedsql.adql.resolver.scope import Source
from sedsql.adql.resolver.select_parts import conjuncts, joined
from sedsql.adql.tree import value_types
from sedsql.adql.tree.nodes import RawSQL
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.parts import every_of, parts_of
from sedsql.adql.tree.signature import Write
from sedsql.adql.tree.value_types import ValueType

LEAST_ROWS = 200_000
"""Rows of a table that takes longer to read than a second query to plan."""
MOST_WANTED = 500
"""More rows lie in most pages of the files."""
TIMES = 4
"""So many times the columns that tell which rows come first must be left to read."""

COMPARISONS = exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE | exp.Between | exp.In
OPERANDS = (
    exp.Column
    | exp.Identifier
    | exp.Literal
    | exp.Parameter
    | exp.Var
    | exp.Neg
    | exp.Paren
    | exp.Add
    | exp.Sub
    | exp.Mul
)
TESTS = COMPARISONS | OPERANDS | exp.Is | exp.Null | exp.Not | exp.And | exp.Or


def top_rows(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Add to WHERE that the first key of ORDER BY is not beyond its value in the last row that TOP takes.

    DuckDB finds that value in the key's column, and then reads of the others the pages that have a row left. Rows with
    equal keys all stay, so the further keys choose among them as before. A comparison would lose NULL, and so WHERE
    must exclude it already.
    """
    wanted, source = _wanted(select), _only_table(select)
    ordered = select.args["order"].expressions[0] if select.args.get("order") else None
    where = select.args.get("where")
    if not 0 < wanted <= MOST_WANTED or source is None or ordered is None or where is None:
        return
    key, descending, parts = _column(ordered.this, select), bool(ordered.args.get("desc")), conjuncts(where.this)
    if key is None or notes(key).source is not source or not _are_cheap(parts, source):
        return
    name = key.name.lower()
    deciding = {name, *(column.name.lower() for part in parts for column in every_of(part, exp.Column))}
    sorted_by = str(source.table.sort_column if source.table else None).lower()
    if name not in _never_null(parts) or sorted_by in deciding:
        return
    if len(source.used - deciding) < TIMES * len(deciding):
        return
    text, condition = write(key), write(joined(parts) or where.this)
    last, sign, order = ("min", ">=", " DESC") if descending else ("max", "<=", "")
    first = f"SELECT {text} AS __key{write(select.args['from_'])} WHERE {condition} ORDER BY __key{order}"
    reached = f"(SELECT {last}(__key) FROM ({first} LIMIT {wanted}))"
    where.set("this", joined([*parts, RawSQL(this=f"{text} {sign} {reached}")]))
    explain.append(f"other columns are read of rows whose {key.name} is among the first {wanted}")


def _wanted(select: exp.Select) -> int:
    """The rows that TOP takes and OFFSET skips; 0 where it takes all."""
    limit, offset = select.args.get("limit"), select.args.get("offset")
    numbers = [part.expression.name for part in (limit, offset) if part is not None]
    return sum(map(int, numbers)) if limit is not None and all(number.isdigit() for number in numbers) else 0


def _only_table(select: exp.Select) -> Source | None:
    """The table of a query that reads one large table of a mirror row by row."""
    scope = notes(select).scope
    if scope is None or len(scope.sources) != 1 or select.args.get("joins"):
        return None
    if any(select.args.get(clause) for clause in ("distinct", "group", "having")):
        return None
    node, source = select.args["from_"].this, scope.sources[0]
    if not isinstance(node, exp.Table) or node.args.get("joins") or source.table is None:
        return None
    if any(map(is_aggregate, parts_of(select, exp.Expr))):
        return None
    return source if source.table.rows >= LEAST_ROWS else None


def _column(key: exp.Expr, select: exp.Select) -> exp.Column | None:
    """The column of numbers that a key of ORDER BY is, which may have another name in the answer."""
    if isinstance(key, exp.Column) and not key.table:
        named = [item for item in select.expressions if item.alias.lower() == key.name.lower()]
        key = named[0].this if named else key
    if isinstance(key, exp.Column) and value_types.of(key) in (ValueType.INTEGER, ValueType.REAL):
        return key
    return None


def _are_cheap(parts: Sequence[exp.Expr], source: Source) -> bool:
    """Whether conditions are comparisons of columns of the table, which are quick to make twice."""
    for part in parts:
        if any(not isinstance(node, TESTS) for node in every_of(part, exp.Expr)):
            return False
        if any(notes(column).source is not source for column in every_of(part, exp.Column)):
            return False
    return True


def _never_null(parts: Sequence[exp.Expr]) -> set[str]:
    """The columns that are not NULL in any row that meets all conditions."""
    found: set[str] = set()
    for part in (part.unnest() for part in parts):
        test = part.this.unnest() if isinstance(part, exp.Not) else part
        is_there = isinstance(part, exp.Not) and isinstance(test, exp.Is) and isinstance(test.expression, exp.Null)
        if is_there and isinstance(test.this.unnest(), exp.Column):
            found.add(test.this.unnest().name.lower())
        elif isinstance(part, COMPARISONS):
            sides = [part.this] if isinstance(part, exp.In) else list(part.iter_expressions())
            if all(isinstance(node, OPERANDS) for side in sides for node in every_of(side, exp.Expr)):
                found.update(column.name.lower() for side in sides for column in every_of(side, exp.Column))
    return found
