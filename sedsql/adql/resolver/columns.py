"""Resolve the columns of expressions: find their tables, and note what they yield."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from sedsql.adql.errors import AdqlError
from sedsql.adql.functions.coordinate_systems import frame_of
from sedsql.adql.resolver import row_calls
from sedsql.adql.resolver.context import Context, nearest
from sedsql.adql.resolver.model_output import known_output
from sedsql.adql.resolver.scope import KnownColumn, Scope, Source
from sedsql.adql.resolver.shadowed_names import is_shadowed
from sedsql.adql.tree import value_types
from sedsql.adql.tree.notes import mark, notes, span

Aliases = Mapping[str, exp.Expr]
"""The items of SELECT that have names of their own, by lower-case name."""


def known_of(node: exp.Expr) -> KnownColumn:
    """What is known of an expression as a column."""
    found = notes(node)
    if found.known is not None:
        return found.known
    columns = found.source.columns if isinstance(node, exp.Column) and found.source else None
    column = columns.get(node.name.lower()) if columns else None
    value_type = value_types.of(node)
    if column:
        return column._replace(value_type=value_type)
    frame = frame_of(node) if value_type in value_types.GEOMETRIES else None
    return known_output(node)._replace(value_type=value_type, frame=frame)


class ColumnNames:
    """Finds the tables of columns."""

    def __init__(self, context: Context):
        self.context = context
        self.is_checked = context.catalogue is not None

    def resolve(self, node: exp.Column, scope: Scope, aliases: Aliases, aliases_first: bool) -> None:
        """Note what a column is: of a table of this query or of one around it, or an item of SELECT."""
        if node.args.get("table"):
            self.qualified(node, scope)
            return
        name: Any = node.this
        alias = aliases.get(name.name.lower())
        if alias is not None and aliases_first:
            self.note(node, known_of(alias))
            return
        for level in scope.levels():
            if source := self.owner(node, level):
                self.note(node, (source.columns or {})[name.name.lower()], source, scope)
                return
            if any(source.columns is None for source in level.sources):
                return  # it may be a column of that table
        if alias is not None:
            self.note(node, known_of(alias))
            # DuckDB would group by the rows of a table of that name.
            self.context.shadowed |= {id(source): source for source in scope.sources if source.is_called(name)}
        elif self.is_checked:
            raise self.missing(node, scope, aliases)

    def qualified(self, node: exp.Column, scope: Scope) -> None:
        """Note what `table.column` is."""
        name: Any = node.this
        source = self.source_of(node, scope)
        if source is None or source.columns is None:
            return
        if source.has(name):
            self.note(node, source.columns[name.name.lower()], source, scope)
        elif self.is_checked:
            hint = nearest(name.name.lower(), source.columns)
            raise self.context.error(name, f"'{source.name}' has no column '{name.name}'", hint)

    def owner(self, node: exp.Column, level: Scope) -> Source | None:
        """The one table of a SELECT that has a column, if there is one; any of those that a join has merged it of."""
        name: Any = node.this
        found = [source for source in level.sources if source.has(name)]
        if len(found) > 1 and name.name.lower() not in level.merged and self.is_checked:
            choices = " or ".join(f"{source.name}.{name.name}" for source in found)
            raise self.context.error(node, f"'{name.name}' is ambiguous", f"write {choices}")
        return found[0] if found else None

    def missing(self, node: exp.Column, scope: Scope, aliases: Aliases) -> AdqlError:
        """The error of a name that no table has."""
        name: Any = node.this
        if any(source.is_called(name) for source in scope.every()):
            return self.context.error(node, f"'{name.name}' is a table where a column is expected")
        names = {column for source in scope.every() for column in source.columns or ()}
        hint = nearest(name.name.lower(), names | set(aliases))
        return self.context.error(node, f"There is no column '{name.name}'", hint)

    def note(
        self, node: exp.Expr, known: KnownColumn, source: Source | None = None, scope: Scope | None = None
    ) -> None:
        """Note what a column yields, and its table; a column that a function gives becomes the call of it."""
        found = notes(node)
        found.value_type = known.value_type or found.value_type
        if source and scope:
            found.source = source
            source.used.add(node.name.lower())
            if source.table and source.table.base:
                self.of_base(node, known, source, scope)

    def of_base(self, node: exp.Expr, known: KnownColumn, source: Source, scope: Scope) -> None:
        """Replace a column that a function gives by the call of it; any other is one of the table that is read."""
        if node.args.get("db"):
            node.set("db", None)
            node.set("table", row_calls.identifier(source))
        name = source.asked.get(node.name.lower())
        if name is None:
            return
        if name not in self.context.functions:
            message = f"'{node.name}' is given by a model, and there are no models here"
            raise self.context.error(node, message)
        made = row_calls.column_call(name, self.context.functions[name], source, scope)
        mark(made, *span(node), known.value_type or notes(made).value_type)
        output = known_output(made)
        notes(made).known = known._replace(texts=output.texts, of_model=True, is_share=output.is_share)
        notes(node).call = made
        node.replace(made)

    def source_of(self, node: exp.Expr, scope: Scope) -> Source | None:
        """The table that qualifies a column; None when it cannot be told."""
        qualifier = [node.args[key] for key in ("catalog", "db", "table") if node.args.get(key)]
        source = self.called(qualifier[0], scope) if len(qualifier) == 1 else _of_parts(qualifier, scope)
        if source is None and self.is_checked:
            written = ".".join(part.name for part in qualifier)
            if any(source.is_called(qualifier[-1]) for level in scope.levels() for source in level.later):
                message = f"'{written}' is joined after this condition"
                raise self.context.error(qualifier[0], message, "put the condition after its JOIN")
            hint = nearest(written, [source.name for source in scope.every()])
            raise self.context.error(qualifier[0], f"'{written}' is no table of this query", hint)
        return source

    def called(self, name: Any, scope: Scope) -> Source | None:
        """The table of that name, of this query or the nearest around it."""
        named = [source for source in scope.sources if source.name and source.is_called(name)]
        if len(named) > 1 and self.is_checked:
            choices = " or ".join(".".join(source.parts) for source in named)
            raise self.context.error(name, f"'{name.name}' is ambiguous", f"write {choices}")
        source = next((source for source in scope.every() if source.name and source.is_called(name)), None)
        if source and is_shadowed(source, scope):
            self.context.shadowed[id(source)] = source
        return source


def _of_parts(qualifier: list[Any], scope: Scope) -> Source | None:
    """The table of that qualified name."""
    wanted = tuple(part.name.lower() for part in qualifier)
    return next((source for source in scope.every() if source.parts[-len(wanted) :] == wanted), None)
