"""Add nodes to sqlglot's syntax tree: calls of ADQL's functions, and SQL that is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sedsql.adql.tree.notes import notes

if TYPE_CHECKING:
    from sedsql.adql.tree.model_function import ModelFunction


class Call(exp.Expression, exp.Func):
    """A call of one of ADQL's functions, or of a user-defined one, under its ADQL name.

    One node for all of them keeps what was asked (`LOG`, `CONTAINS`) until SQL is written, so that rewrites
    can look for regions, and ADQL can be given back.
    """

    arg_types = {"expressions": False}  # noqa: RUF012
    is_var_len_args = True

    def sql_name(self) -> str:  # type: ignore[override]
        return self.name

    @property
    def arguments(self) -> list[exp.Expr]:
        return self.args.get("expressions") or []


class RawSQL(exp.Expression):
    """A piece of DuckDB's SQL, as text."""

    arg_types = {"this": True}  # noqa: RUF012


def call(name: str, arguments: list[exp.Expr], model: ModelFunction | None = None) -> Call:
    """Make a call of a function; `model` is the function if it is handed in."""
    node = Call(this=name, expressions=arguments)
    if model is not None:
        notes(node).model = model
    return node


def text_of(node: exp.Expr) -> str | None:
    """The text of a constant, or of a parameter with a value; None for any other expression."""
    if isinstance(node, exp.Literal) and node.is_string:
        return node.name
    value = notes(node).value if isinstance(node, exp.Parameter) else None
    return value if isinstance(value, str) else None
