"""Note on the nodes of a syntax tree where they stand in the query, what they yield and what their names mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlglot import exp

if TYPE_CHECKING:
    from sedsql.adql.resolver.scope import KnownColumn, Scope, Source
    from sedsql.adql.tree.model_function import ModelFunction
    from sedsql.adql.tree.value_types import ValueType

Node = TypeVar("Node", bound=exp.Expr)

KEY = "adql"
"""In sqlglot's `meta` of a node, which is copied with the node."""


@dataclass(init=False, eq=False)
class Notes:
    """What is known of one node.

    Of any node: `start` and `end` are the places in the query of its first character and after its last, None for a
    node that the query does not write. `value_type` is what an expression yields, None while it is not known.

    Of an item of SELECT: `text` has its words; `call` is the call that stands in the place of a column which a
    function gives.

    Of a parameter: `value` is the value that was handed in.

    Of a column: `source` is its table in FROM, `star_of` the table of `t.*`, `row` the table whose row it stands for.
    `datatype` names the type of a column of a subquery that a rewrite has made. `moved` marks a column that a rewrite
    has already put in its place.

    Of a call: `unknown` tells that ADQL has no function of that name, `model` is the function that was handed in,
    and `known` is the column of a table that the call gives.

    Of a SELECT: `scope` has its tables, and `region` tells whether WHERE bounds a region of the sky.
    """

    start: int | None = None
    end: int | None = None
    value_type: ValueType | None = None
    text: str = ""
    call: exp.Expr | None = None
    value: Any = None
    source: Source | None = None
    star_of: Source | None = None
    row: Source | None = None
    datatype: str | None = None
    moved: bool = False
    unknown: bool = False
    model: ModelFunction | None = None
    known: KnownColumn | None = None
    scope: Scope | None = None
    region: bool = False

    def __deepcopy__(self, memo: object) -> Notes:
        """Copy the notes for a copy of their node: tables, scopes and functions stay the same ones."""
        copied = Notes()
        copied.__dict__.update(self.__dict__)
        return copied


def notes(node: exp.Expr) -> Notes:
    """The notes on a node, to read and to write."""
    meta = node.meta
    if KEY not in meta:
        meta[KEY] = Notes()
    return meta[KEY]


def noted(node: exp.Expr) -> Notes | None:
    """The notes on a node, if there are any: faster where most nodes have none."""
    return node._meta.get(KEY) if node._meta else None


def mark(node: Node, start: int, end: int, value_type: ValueType | None = None) -> Node:
    """Note where a node stands in the query, and what it yields."""
    found = notes(node)
    found.start, found.end, found.value_type = start, end, value_type
    return node


def note_type(node: Node, value_type: ValueType | None) -> Node:
    """Note what an expression yields."""
    notes(node).value_type = value_type
    return node


def span(node: exp.Expr) -> tuple[int, int]:
    """Where a node stands in the query, from the words that it is made of: its start and its end."""
    found = noted(node)
    if found is not None and found.start is not None and found.end is not None:
        return found.start, found.end
    inside = (noted(part) for part in node.walk() if part is not node)
    places = [(one.start, one.end) for one in inside if one and one.start is not None and one.end is not None]
    if not places:
        return 0, 1
    return min(start for start, _ in places), max(end for _, end in places)
