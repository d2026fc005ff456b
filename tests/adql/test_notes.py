"""Notes on the nodes of a syntax tree."""

from sqlglot import exp

from sedsql.adql.resolver.scope import Source
from sedsql.adql.tree.notes import mark, noted, notes, span
from sedsql.adql.tree.value_types import ValueType


def test_a_copy_has_the_notes_of_its_node_and_keeps_its_own():
    node = mark(exp.column("a"), 3, 4, ValueType.REAL)
    source = notes(node).source = Source("t", False, None)
    copied = node.copy()
    notes(copied).start = 2
    assert (notes(copied).value_type, span(copied), span(node)) == (ValueType.REAL, (2, 4), (3, 4))
    assert notes(copied).source is source


def test_a_node_without_notes_stands_where_its_parts_do():
    both = exp.Add(this=mark(exp.column("a"), 7, 8), expression=mark(exp.column("b"), 11, 12))
    assert (span(both), noted(both)) == ((7, 12), None)
    assert span(exp.Null()) == (0, 1)
