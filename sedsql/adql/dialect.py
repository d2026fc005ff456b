"""ADQL as a dialect of sqlglot: `sqlglot.transpile(query, read="adql", write="duckdb")`, and ADQL back."""

from __future__ import annotations

import typing as t

from sqlglot import errors, exp, generator, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.generators.duckdb import DuckDBGenerator

from sedsql.adql import functions, lexer
from sedsql.adql.geometry import UnsupportedError
from sedsql.adql.grammar import Grammar
from sedsql.adql.nodes import Call


class ADQL(Dialect):
    """The Astronomical Data Query Language 2.1 (IVOA Recommendation, 2023-12-15), strictly."""

    NULL_ORDERING = "nulls_are_large"
    TYPED_DIVISION = True

    class Tokenizer(tokens.Tokenizer):
        def tokenize(self, sql: str) -> list[tokens.Token]:
            return lexer.tokenize(sql)

    class Parser(parser.Parser):
        def parse(self, raw_tokens: list[tokens.Token], sql: str) -> list[exp.Expr | None]:
            return [Grammar(raw_tokens, sql).statement()]

        def parse_into(
            self, expression_types: exp.IntoType, raw_tokens: list[tokens.Token], sql: str | None = None
        ) -> list[exp.Expr | None]:
            grammar = Grammar(raw_tokens, sql or "")
            found = grammar.condition(grammar.disjunction()) if expression_types is exp.Condition else None
            return [found or grammar.statement()]

    class Generator(generator.Generator):
        LIMIT_IS_TOP = True
        RESERVED_KEYWORDS = {word.lower() for word in lexer.RESERVED}  # noqa: RUF012
        TYPE_MAPPING: t.ClassVar = {
            **generator.Generator.TYPE_MAPPING,
            exp.DType.DOUBLE: "DOUBLE PRECISION",
            exp.DType.FLOAT: "REAL",
            exp.DType.INT: "INTEGER",
            exp.DType.TEXT: "VARCHAR",
        }
        TRANSFORMS: t.ClassVar = {
            **generator.Generator.TRANSFORMS,
            exp.Ceil: lambda self, node: self.func("CEILING", node.this),
            exp.Ln: lambda self, node: self.func("LOG", node.this),
            exp.Mod: lambda self, node: self.func("MOD", node.this, node.expression),
            exp.Pow: lambda self, node: self.func("POWER", node.this, node.expression),
            exp.Rand: lambda self, node: self.func("RAND"),
            exp.Trunc: lambda self, node: self.func("TRUNCATE", node.this, node.args.get("decimals")),
        }


def write_call(self: generator.Generator, node: Call) -> str:
    """A call of an ADQL function as DuckDB has it."""
    function = functions.find(node.name)
    if function is None:
        return self.func(node.name, *node.arguments)
    try:
        return function.write(node.arguments, self.sql)
    except UnsupportedError as reason:
        raise errors.UnsupportedError(reason.sentence) from reason


# sqlglot's own DuckDB learns to say ADQL's functions. It caches what it knows once it has been used.
DuckDBGenerator.TRANSFORMS[Call] = write_call
getattr(generator, "_DISPATCH_CACHE", {}).pop(DuckDBGenerator, None)
