"""Read what a model said of the rows of a table, where that is stored, instead of asking the model."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sedsql.adql.resolver.row_calls import identifier, read_base
from sedsql.adql.resolver.scope import Source
from sedsql.adql.resolver.select_parts import is_named_with_schema, is_star, tables_of
from sedsql.adql.tree.nodes import Call
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.parts import every_of
from sedsql.adql.tree.signature import Write
from sedsql.catalogue.classified import name_of_stored


def stored_answers(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Replace calls of a row whose answers are stored by columns of the table that has them (`Table.answers`).

    That table has all columns of the one that the query names, so it is read in its place. Its other columns must not
    be seen: by `*` or NATURAL they would be.
    """
    scope = notes(select).scope
    if scope is None or _shows_all(select):
        return
    for node in tables_of(select):
        source = next((source for source in scope.sources if source.name == node.alias_or_name), None)
        answers = source.table.answers if source and source.table else None
        if source is None or answers is None or is_named_with_schema(select, source):
            continue
        model, table = answers[:2]
        found = list(_calls(select, source, model))
        if not found:
            continue
        for call, name in found:
            column = exp.Column(this=exp.Identifier(this=name_of_stored(name)), table=identifier(source))
            notes(column).source = source
            notes(column).value_type = notes(call).value_type
            call.replace(column)
        read_base(node, identifier(source), table)
        explain.append(f"the answers of {model} for {source.name} are taken as they are stored")


def _calls(select: exp.Select, source: Source, model: str) -> Iterator[tuple[Call, str]]:
    """Find the calls of a table's rows that are stored, with the column that has what they give."""
    for part in every_of(select, Call):
        function = notes(part).model
        if function is None or not part.arguments or notes(part.arguments[0]).row is not source:
            continue
        name = function.stored(part.arguments, model)
        if name:
            yield part, name


def _shows_all(select: exp.Select) -> bool:
    """Whether the query names columns by `*`, `t.*` or NATURAL."""
    if any(join.args.get("method") == "NATURAL" for join in every_of(select, exp.Join)):
        return True
    return any(map(is_star, select.expressions))
