"""Tell whether a query has the same rows whenever it is asked."""

from __future__ import annotations

from sqlglot import exp

from sedsql.adql.parser import lexer
from sedsql.adql.parser.grammar import Grammar

NOTE = (
    "TOP and OFFSET take any rows where there is no ORDER BY, so this query may give other rows than those shown; with "
    "ORDER BY it gives the same ones."
)


def takes_any_rows(query: str) -> bool:
    """Whether a query of ADQL, which is good, takes some of its rows and does not say which."""
    tree = Grammar(lexer.tokenize(query), query).statement()
    return any(
        (one.args.get("limit") or one.args.get("offset")) and not one.args.get("order")
        for one in tree.find_all(exp.Query)
    )
