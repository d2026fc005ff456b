"""Write a view of DuckDB's that calls macros in Spark's SQL."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from sedsql.adql.spark.generator import written
from sedsql.adql.spark.reader import arguments_of, name_of, read, whole

Macros = Mapping[str, tuple[list[str], str]]
"""Parameters and definition, by lower-case `schema.name`."""


def view_in_spark(select: str, macros: Macros) -> str:
    """Write the SELECT of a view in Spark's SQL, with the definitions of macros in the place of their calls.

    An element of a column is a letter of its text: what a view reads has no lists.
    """
    tree = read(select)
    for call in list(tree.find_all(exp.Dot)):
        name = f"{call.this.name}.{name_of(call.expression)}".lower()
        if name in macros:
            call.replace(exp.Paren(this=_applied(*macros[name], arguments_of(call.expression))))
    for letter in list(tree.find_all(exp.Bracket)):
        if isinstance(letter.this, exp.Column) and whole(letter.expressions[0]):
            one = exp.Literal.number(1)
            letter.replace(exp.Anonymous(this="substring", expressions=[letter.this, letter.expressions[0], one]))
    return written(tree)


def _applied(parameters: list[str], definition: str, arguments: list[exp.Expr]) -> exp.Expr:
    """The definition of a macro with values in the place of its parameters."""
    body = read(f"SELECT {definition}").expressions[0].unalias()
    given = {name.lower(): value for name, value in zip(parameters, arguments, strict=True)}
    return body.transform(
        lambda node: (
            given[node.name.lower()].copy()
            if isinstance(node, exp.Column) and not node.table and node.name.lower() in given
            else node
        )
    )
