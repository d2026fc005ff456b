"""Resolve the calls of functions: of the language, and of those that are handed in."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from sedsql.adql.functions import registry as language
from sedsql.adql.functions.coordinate_systems import mixed_frames, wrong_system
from sedsql.adql.resolver import row_calls
from sedsql.adql.resolver.context import Context, nearest
from sedsql.adql.resolver.model_output import meant
from sedsql.adql.resolver.scope import Scope, Source
from sedsql.adql.tree.model_function import ModelFunction
from sedsql.adql.tree.nodes import Call, text_of
from sedsql.adql.tree.notes import notes


class Calls:
    """Checks calls, and completes those of functions of a row."""

    def __init__(self, context: Context):
        self.context = context

    def check_arguments(self, node: Call) -> None:
        """Check the arguments of a call, now that the types of columns and the models of rows are known."""
        model = notes(node).model
        if model and (mistake := model.mistake(node.arguments)):
            hint = meant(text_of(mistake.argument) or "", mistake.texts)
            raise self.context.error(mistake.argument, mistake.message, hint)
        function = language.find(node.name)
        if function is None:
            return
        form = function.match(node.arguments)
        if form is None:
            message = f"{node.name} does not take columns of these types"
            raise self.context.error(node, message, language.explain(node.name))
        if wrong := wrong_system(node.name, form, node.arguments):
            raise self.context.error(*wrong)
        # The language lets them meet, and without a database nothing else is checked.
        mixed = mixed_frames(node) if self.context.catalogue is not None else None
        if mixed is not None:
            raise self.context.error(*mixed)

    def handed_in(self, node: Call, scope: Scope) -> exp.Expr | None:
        """Check a call of a function that is handed in; give its first argument when that is a row."""
        values = node.arguments
        function = self.context.functions.get(node.name.lower())
        if function is None:
            self.refuse(node)
            return None
        if len(values) not in function.arity:
            raise self.context.error(node, function.usage(node.name, len(values)))
        notes(node).model = function
        notes(node).value_type = function.value_type
        if not function.row or len(values) >= len(function.columns):
            return None
        first: Any = values[0] if values else None
        source = _row(first, scope)
        if source is None:
            names = [source.name for source in scope.every() if source.name]
            hint = f"such as {node.name}({names[0]}{', ...' if len(values) > 1 else ''})"
            raise self.context.error(first, f"{node.name} asks for a table of this query", hint)
        self.check_columns(node, function, source)
        notes(first).row = source
        row_calls.complete(node, function, source, scope)
        return first

    def check_columns(self, node: Call, function: ModelFunction, source: Source) -> None:
        """Check that the table has the columns that the function takes of its row."""
        first = node.arguments[0]
        missing = [name for name in function.columns if source.columns is not None and name not in source.columns]
        if missing:
            message = f"{node.name} asks for columns that '{first.name}' does not have"
            raise self.context.error(first, message, ", ".join(missing) + self.where_they_are(function, missing[0]))

    def where_they_are(self, function: ModelFunction, missing: str) -> str:
        """Name a table that has all columns that a function takes, and say what stands for a missing one."""
        tables = self.context.catalogue.tables if self.context.catalogue else {}
        having = [name for name, table in tables.items() if all(column in table.columns for column in function.columns)]
        named = f"{min(having, key=len)} has all of them; " if having else ""
        return f". {named}in a subquery, NULL AS {missing} stands for a band that is not there"

    def refuse(self, node: Call) -> None:
        """Refuse a function that nobody has, unless only the language is checked."""
        upper = node.name.upper()
        if upper in language.REFUSED:
            raise self.context.error(node, f"sedsql does not support {upper}: {language.REFUSED[upper]}")
        if not self.context.lax:
            names = [name for name in self.context.functions if name[0] != "_"]
            names += [name.lower() for name in (*language.LANGUAGE, *language.USER_DEFINED)]
            hint = nearest(node.name.lower(), names)
            raise self.context.error(node, f"There is no function '{node.name}'", hint)


def _row(first: Any, scope: Scope) -> Source | None:
    """The table whose row an argument stands for, if it is the name of one."""
    if not isinstance(first, exp.Column) or first.args.get("table"):
        return None
    return next((source for source in scope.every() if source.name and source.is_called(first.this)), None)
