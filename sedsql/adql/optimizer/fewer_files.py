"""Read a table from those of its files alone that can have the rows of a query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlglot import exp

from sedsql.adql.resolver.scope import Source, Table
from sedsql.adql.resolver.select_parts import conjuncts, is_named_with_schema, tables_of
from sedsql.adql.tree.nodes import RawSQL
from sedsql.adql.tree.notes import noted, notes
from sedsql.adql.tree.parts import every_of
from sedsql.adql.tree.signature import Write
from sedsql.sql_text import literal

Ranges = list[tuple[int, int]]
"""Of a column's values, both ends included."""

LEAST, MOST = -(1 << 63), (1 << 63) - 1
MOST_FILES = 64
"""Files that a query names; the view of a table names more of them in less SQL."""


def from_fewer_files(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Replace a table by those of its files that meet the ranges of cells or the source_ids in WHERE.

    DuckDB opens each file of a view to see by its statistics that it has no such row, which takes 0.2 ms a file.
    """
    scope, where = notes(select).scope, select.args.get("where")
    if scope is None or where is None:
        return
    parts = conjuncts(where.this)
    for node in tables_of(select):
        source = next((source for source in scope.sources if source.name == node.alias_or_name), None)
        table = source.table if source else None
        if source is None or table is None or is_named_with_schema(select, source):
            continue
        files, columns = _read_by(node, table)
        if len(files) < 2:
            continue
        bounds = [ranges for part in parts if (ranges := _ranges(part, source, str(table.sort_column).lower()))]
        kept = [file for file in files if all(_meets(file, table.cell_shift, ranges) for ranges in bounds)]
        if len(kept) == len(files) or len(kept) > MOST_FILES:
            continue
        paths = f"[{', '.join(literal(file.path) for file in kept or files[:1])}]"
        text = f"read_parquet({f'{table.check}({paths})' if table.check else paths}, hive_partitioning = false)"
        name = exp.TableAlias(this=exp.Identifier(this=source.name, quoted=source.quoted))
        # DuckDB binds the function in half of the time that a subquery of it takes.
        found: exp.Expr = exp.Table(this=RawSQL(this=text), alias=name)
        if columns != "*" or _names_columns_of_files(select):
            found = exp.Subquery(this=RawSQL(this=f"SELECT {columns} FROM {text}"), alias=name)
        node.replace(found)
        explain.append(f"{source.name} is read from {len(kept or [text])} of its {len(files)} files")


def _read_by(node: exp.Expr, table: Table) -> tuple[Sequence[Any], str]:
    """Find the files of what a query reads, which may be stored answers, and the columns that it selects from them."""
    if table.answers:
        _, name, files, columns = table.answers
        if f"{node.text('db')}.{node.name}" == name:
            return files, columns
    return table.files, table.selected


def _names_columns_of_files(select: exp.Select) -> bool:
    """Whether a query has a name that DuckDB knows in every file, and that is a column of another table here."""
    names = {"filename", "file_index", "file_row_number", "rowid"}
    return any(part.name.lower() in names for part in every_of(select.root(), exp.Identifier))


def _meets(file: Any, shift: int, ranges: Ranges) -> bool:
    low, high = file.low << shift, ((file.high + 1) << shift) - 1
    return any(first <= high and last >= low for first, last in ranges)


def _ranges(part: exp.Expr, source: Source, column: str) -> Ranges | None:
    """Find ranges that hold the column's value in every row that meets a condition; None where there are none."""
    part = part.unnest()
    if isinstance(part, exp.Or):
        found = [_ranges(branch, source, column) for branch in part.flatten()]
        return [range_ for ranges in found if ranges for range_ in ranges] if all(found) else None
    if isinstance(part, exp.Between):
        return _between(part, source, column)
    if isinstance(part, exp.In):
        values = [_whole(value) for value in part.expressions]
        known = [value for value in values if value is not None]
        is_known = bool(known) and len(known) == len(values) and _is_column(part.this, source, column)
        return [(value, value) for value in known] if is_known else None
    return next(_compared(part, source, column), None)


def _between(part: exp.Between, source: Source, column: str) -> Ranges | None:
    low, high = _whole(part.args["low"]), _whole(part.args["high"])
    if low is None or high is None or not _is_column(part.this, source, column):
        return None
    return [(low, high)]


def _compared(part: exp.Expr, source: Source, column: str) -> Iterator[Ranges]:
    """Read a comparison of the column with a whole number, from either side."""
    if not isinstance(part, exp.EQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        return
    below, above = (exp.LT, exp.LTE), (exp.GT, exp.GTE)
    for one, other, less in ((part.this, part.expression, below), (part.expression, part.this, above)):
        value = _whole(other)
        if value is not None and _is_column(one, source, column):
            beside = int(isinstance(part, exp.LT | exp.GT))
            if isinstance(part, exp.EQ):
                yield [(value, value)]
            else:
                yield [(LEAST, value - beside) if isinstance(part, less) else (value + beside, MOST)]


def _is_column(node: exp.Expr, source: Source, column: str) -> bool:
    node = node.unnest()
    if not isinstance(node, exp.Column) or node.name.lower() != column:
        return False
    found = noted(node)
    if found is not None and found.source is not None:
        return found.source is source
    return node.table == source.name  # another rewrite has made it


def _whole(node: exp.Expr) -> int | None:
    """Read a whole number exactly: a source_id has more digits than a float."""
    node = node.unnest()
    if isinstance(node, exp.Parameter):
        value = notes(node).value
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    text = node.this if isinstance(node, RawSQL) or (isinstance(node, exp.Literal) and not node.is_string) else ""
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else None
