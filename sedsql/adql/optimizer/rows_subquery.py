"""Replace the columns and calls of a query by columns of a subquery that computes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from sqlglot import exp

from sedsql.adql.geometry import numbers
from sedsql.adql.tree import value_types
from sedsql.adql.tree.nodes import Call
from sedsql.adql.tree.notes import noted, notes
from sedsql.adql.tree.parts import every_of
from sedsql.adql.tree.signature import Write

ROWS = "_rows"
"""The name of the subquery."""


class RowsSubquery:
    """Collect the columns that the subquery has to give, while the parts of the query are moved out of it.

    Parameters
    ----------
    select : the query
    uses : by the id of a call, the name of the value that the subquery computes, and what the call gives of it
    """

    def __init__(
        self, select: exp.Select, uses: Mapping[int, tuple[str, Callable[[exp.Expr], exp.Expr]]], write: Write
    ):
        scope = notes(select).scope
        self._merged = scope.merged if scope else ()
        self._uses = uses
        self._write = write
        self._columns: dict[object, tuple[str, exp.Expr]] = {}  # what it is -> its name, and the column

    @property
    def columns(self) -> list[exp.Expr]:
        """What the subquery selects besides the values."""
        return [exp.Alias(this=column, alias=exp.Identifier(this=name)) for name, column in self._columns.values()]

    def of(self, inner: exp.Select) -> exp.Subquery:
        return exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.Identifier(this=ROWS)))

    def item(self, item: exp.Expr) -> exp.Expr:
        """Have an item of SELECT read the subquery; a column keeps the name that it has in the answer."""
        name = _name(item) if isinstance(item, exp.Column) else None
        moved = self.moved(item)
        return exp.Alias(this=moved, alias=exp.Identifier(this=name)) if name else moved

    def moved(self, node: exp.Expr, names: Collection[str] = ()) -> exp.Expr:
        """Have a part of the query read the subquery; `names` are those that SELECT gives, in lower case."""
        return node.transform(lambda part: part if _is_moved(part) else self._outside(part, names), copy=False)

    def forget(self, select: exp.Select) -> None:
        """Remove the marks of what was moved, so that it can be moved again."""
        for node in every_of(select, exp.Column):
            notes(node).moved = False

    def _outside(self, node: exp.Expr, names: Collection[str]) -> exp.Expr:
        if isinstance(node, Call) and id(node) in self._uses:
            name, use = self._uses[id(node)]
            return self.moved(use(_read(name)), names)  # with the columns among the call's own arguments
        # IN_UNIT asks the catalogue about its column, so it moves as a whole.
        in_unit = isinstance(node, Call) and node.name == "IN_UNIT"
        if not isinstance(node, exp.Column) and not in_unit:
            return node
        if not node.args.get("table") and node.name.lower() in names and not notes(node).source:
            return node
        source = None if in_unit else notes(node).source
        # What USING and NATURAL made of two columns is neither of them where an outer join leaves one out.
        both = not node.args.get("table") and node.name.lower() in self._merged
        key = (id(source), node.name.lower(), both) if source else self._write(node).lower()
        if key not in self._columns:
            used = {name.lower() for name, _ in self._columns.values()}
            free = not in_unit and node.name.lower() not in used
            self._columns[key] = (node.name if free else f"_c{len(self._columns) + 1}", node)
        return _read(self._columns[key][0], node)


def _is_moved(node: exp.Expr) -> bool:
    found = noted(node)
    return found is not None and found.moved


def _name(column: exp.Column) -> str:
    """Find the name of a column in the answer: its table's."""
    source = notes(column).source
    known = source.columns.get(column.name.lower()) if source is not None and source.columns else None
    return known.name if known else column.name


def _read(name: str, column: exp.Expr | None = None) -> exp.Column:
    """Make a column of the subquery, with the type of the column that it stands for."""
    made = exp.Column(this=exp.Identifier(this=name), table=exp.Identifier(this=ROWS))
    found = notes(made)
    found.moved = True
    if column is not None:
        found.value_type = value_types.of(column)
    if isinstance(column, exp.Column):
        found.datatype = numbers.datatype(column)
    return made
