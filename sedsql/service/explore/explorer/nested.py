"""Make a query of ADQL a table of another: with its aliases, joins, groups and TOP it stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count
from typing import NamedTuple

from sqlglot.tokens import Token, TokenType

from sedsql.adql.parser import lexer
from sedsql.adql.parser.identifiers import quoted


class Nested(NamedTuple):
    """What another query is written around: `{head}SELECT {name}.* FROM {table}`.

    head : WITH and its queries; empty where there are none
    table : for FROM
    name : of the table
    """

    head: str
    table: str
    name: str


def nested(query: str, columns: Sequence[str] | None = None) -> Nested:
    """Make a query a table; a comment after it and a semicolon are left out.

    columns : names for all of its columns, where two have the same one. AdqlError where the query has no tokens
    """
    tokens = lexer.tokenize(query)
    if tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    taken = {token.text.lower() for token in tokens}
    name = next(one for one in chain(["q"], map("q{}".format, count(2))) if one not in taken)
    body = _body(tokens)
    if not body and columns is None:
        return Nested("", f"(\n{_text(query, tokens)}\n) AS {name}", name)
    named = f"{name} ({', '.join(map(quoted, columns))})" if columns else name
    before = f"{_text(query, tokens[:body])}," if body else "WITH"
    return Nested(f"{before} {named} AS (\n{_text(query, tokens[body:])}\n)\n", name, name)


def _text(query: str, tokens: Sequence[Token]) -> str:
    return query[tokens[0].start : tokens[-1].end] if tokens else ""


def _body(tokens: Sequence[Token]) -> int:
    """Find the place of the token after WITH and its queries; 0 where there is no WITH."""
    if not tokens or tokens[0].token_type != TokenType.VAR or tokens[0].text.upper() != "WITH":
        return 0
    depth = 0
    for place, token in enumerate(tokens):
        is_symbol = token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER)
        begins = is_symbol and (token.text == "(" or token.text.upper() == "SELECT")
        if begins and depth == 0 and tokens[place - 1].text == ")":
            return place
        depth += is_symbol * ((token.text == "(") - (token.text == ")"))
    return 0
