"""Read a query token by token, and say where it goes wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from sedsql.adql.errors import AdqlError
from sedsql.adql.parser.lexer import FUNCTION_WORDS, RESERVED, UNUSED_RESERVED
from sedsql.adql.parser.parameters import LARGEST, Parameters, Values
from sedsql.adql.tree.notes import mark, span
from sedsql.adql.tree.value_types import ValueType

VALUES = (
    TokenType.STRING,
    TokenType.NUMBER,
    TokenType.HEX_STRING,
    TokenType.IDENTIFIER,
    TokenType.PARAMETER,
)
"""Tokens that are no words of the language."""
MAX_DIGITS = 1000
MAX_DEPTH = 40  # of brackets in brackets; deeper ones would exhaust Python's stack further on
MAX_CHAIN = 100  # of operators in a row: DuckDB stops at expressions 1,000 deep, and a division takes six


class TokenStream:
    """The tokens of one query, and what is common to all rules of the grammar.

    The standard reserves many words that it has no use for. As the name of a schema they always pass. Unless the
    grammar is `strict`, they are names elsewhere too, and so are the functions' where no bracket follows. `values` are
    those of the parameters, if they are known.
    """

    def __init__(self, tokens: list[Token], sql: str, strict: bool = True, values: Values | None = None):
        self.tokens, self.sql, self.strict = tokens, sql, strict
        # The rules look at each several times.
        self._words = [None if token.token_type in VALUES else token.text.upper() for token in tokens]
        self._words += [None] * 3
        self.parameters = Parameters(sql, values)
        self.place = self.depth = 0

    @property
    def token(self) -> Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def ahead(self, steps: int = 0) -> str | None:
        """The next word or symbol in upper case; None for a string, a number, a delimited name, or the end."""
        place = self.place + steps
        return self._words[place] if place < len(self._words) else None

    def accept(self, *words: str) -> str | None:
        """Take one of these words, if it comes next."""
        word = self._words[self.place]
        if word is not None and word in words:
            self.place += 1
            return word
        return None

    def expect(self, word: str, what: str | None = None) -> None:
        if not self.accept(word):
            raise self.unexpected(what or word)

    def error(self, message: str, token: Token | None = None, hint: str | None = None) -> AdqlError:
        token = token or self.token
        if token is None:
            end = self.tokens[-1].end if self.tokens else 0
            return AdqlError(message, self.sql, end, end + 1, hint)
        return AdqlError(message, self.sql, token.start, token.end, hint)

    def at(self, node: exp.Expr, message: str, hint: str | None = None) -> AdqlError:
        start, end = span(node)
        return AdqlError(message, self.sql, start, end, hint)

    def unexpected(self, expected: str) -> AdqlError:
        token = self.token
        if token is None:
            return self.error(f"The query ends where {expected} is expected")
        # `FROM t LIMIT 5` reads LIMIT as the name of t, and stumbles over the number.
        for word in (token, *self.tokens[max(self.place - 1, 0) : self.place]):
            if word.text.upper() == "LIMIT":
                return AdqlError("ADQL has no LIMIT", self.sql, word.start, word.end, hint="write SELECT TOP n")
        text = self.sql[token.start : token.end]
        return self.error(f"{text!r} is not expected here" if len(text) < 60 else "Unexpected here",
                          hint=f"what can stand here is {expected}")  # fmt: skip

    def text(self, start: int) -> str:
        """The words that have been read since `start`, with spaces and the case of keywords made the same."""
        text = ""
        for token in self.tokens[start : self.place]:
            word = self.sql[token.start : token.end]
            if word.upper() in RESERVED:
                word = word.upper()
            if text[-1:] == word[:1] == "'":  # 'a' 'b' is 'ab'
                text = text[:-1] + word[1:]
            else:
                text += f" {word}" if text[-1:].isalnum() and word[:1].isalnum() else word
        return text

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"More than {MAX_DEPTH} brackets within brackets")

    def listed(self, rule: Callable[[], exp.Expr]) -> list[exp.Expr]:
        found = [rule()]
        while self.accept(","):
            found.append(rule())
        return found

    def operators(self, *words: str) -> Iterator[str]:
        """Take the operators of a chain, one after the other; the caller takes the operands in between."""
        for _ in range(MAX_CHAIN):
            word = self.accept(*words)
            if not word:
                return
            yield word
        raise self.error(f"More than {MAX_CHAIN} operators in a row")

    def number(self) -> exp.Expr:
        token = self.tokens[self.place]
        self.place += 1
        is_hex = token.token_type == TokenType.HEX_STRING
        whole = is_hex or token.text.isdigit()
        # Python refuses to write a number of thousands of digits, and DuckDB makes a text of it, or infinity.
        if len(token.text) > MAX_DIGITS and (whole or not math.isfinite(float(token.text))):
            raise self.error(f"A number is longer than {MAX_DIGITS} digits", token, "write it with an exponent")
        text = str(int(token.text, 16)) if is_hex else token.text
        if int(text) > LARGEST if whole else not math.isfinite(float(text)):
            limit = "2^127" if whole else "1.8e308"
            raise self.error(f"This number is beyond {limit}, the largest there is here", token)
        value_type = ValueType.INTEGER if whole else ValueType.REAL
        node = mark(exp.Literal(this=text, is_string=False), token.start, token.end, value_type)
        if whole:  # sqlglot asks for types before it divides whole numbers
            node.type = exp.DType.BIGINT
        return node

    def unsigned_integer(self) -> exp.Expr:
        token = self.token
        if token is None or token.token_type != TokenType.NUMBER or not token.text.isdigit():
            raise self.unexpected("a whole number")
        node = self.number()
        if int(node.name) >= 1 << 63:
            raise self.at(node, "This number is beyond 2^63, the largest that can stand here")
        return node

    def column_names(self) -> list[exp.Expr]:
        self.expect("(")
        names = self.listed(self.identifier)
        self.expect(")")
        return names

    def names_ahead(self) -> bool:
        token = self.token
        if token is None:
            return False
        if token.token_type != TokenType.VAR:
            return token.token_type == TokenType.IDENTIFIER
        word = token.text.upper()
        if word not in RESERVED:
            return True
        if word in UNUSED_RESERVED:
            return not self.strict or self.ahead(1) == "."
        return not self.strict and word in FUNCTION_WORDS and self.ahead(1) != "("

    def identifier(self, what: str = "a name") -> exp.Identifier:
        token = self.token
        if token is None or not self.names_ahead():
            if token is not None and token.token_type == TokenType.VAR:
                if token.text.upper() == "FROM" and what == "a value":
                    comma = self.place > 0 and self.tokens[self.place - 1].text == ","
                    hint = "leave out the comma" if comma else "write * for all columns, or name some"
                    raise self.error("A column is expected before FROM", token, hint)
                raise self.error(f"'{token.text}' is a reserved word of ADQL where {what} is expected",
                                 hint=f'as a name it goes between double quotes: "{token.text}"')  # fmt: skip
            raise self.unexpected(what)
        self.place += 1
        node = exp.Identifier(this=token.text, quoted=token.token_type == TokenType.IDENTIFIER)
        return mark(node, token.start, token.end)

    def name_parts(self, what: str) -> list[exp.Expr]:
        parts: list[exp.Expr] = [self.identifier(what)]
        while self.accept("."):
            parts.append(self.identifier())
        return parts


def qualified(node: type[exp.Expr], parts: list[exp.Expr], stream: TokenStream) -> exp.Expr:
    """Make a column or table of the parts of its name, up to `catalog.schema.table.column`."""
    names = ("this", "table", "db", "catalog") if node is exp.Column else ("this", "db", "catalog")
    if len(parts) > len(names):
        raise stream.at(parts[0], f"A name has {len(names)} parts at most")
    return node(**dict(zip(names, reversed(parts), strict=False)))
