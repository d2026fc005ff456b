"""What ADQL adds to sqlglot's syntax tree."""

from __future__ import annotations

from typing import Any

from sqlglot import exp


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


def call(name: str, arguments: list[exp.Expr], kind: str | None = None, **meta: Any) -> Call:
    node = Call(this=name, expressions=arguments)
    node.meta.update(meta)
    if kind:
        node.meta["kind"] = kind
    return node
