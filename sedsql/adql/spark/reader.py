"""Read the DuckDB SQL that the translator writes, every function under its own name."""

from __future__ import annotations

import typing as t

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.parsers.duckdb import DuckDBParser


class _Parser(DuckDBParser):
    # sqlglot's own nodes say less than names do: `len` of a list and `length` of a text are one.
    FUNCTIONS: t.ClassVar = {}
    FUNCTION_PARSERS: t.ClassVar = {
        name: parse for name, parse in DuckDBParser.FUNCTION_PARSERS.items() if name in ("CAST", "TRY_CAST")
    }


class _Translated(DuckDB):
    INDEX_OFFSET = 0  # indices stay as they are written, from 1
    Parser = _Parser


def read(sql: str) -> exp.Expr:
    """Read a query that the translator has written."""
    return sqlglot.parse_one(sql, read=_Translated)


def name_of(node: exp.Expr | None) -> str:
    """The name of the function that a node calls, in lower case; empty for any other node."""
    return node.name.lower() if isinstance(node, exp.Anonymous) else ""


def arguments_of(node: exp.Expr) -> list[exp.Expr]:
    return node.args.get("expressions") or []


def whole(node: exp.Expr | None) -> int | None:
    """The whole number that a literal is, as it is written."""
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        return int(node.name)
    return None
