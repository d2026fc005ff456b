"""Read and write ADQL as a dialect of sqlglot: `sqlglot.transpile(query, read="adql", write="duckdb")`."""

from __future__ import annotations

import typing as t

from sqlglot import errors, exp, generator, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.generators.duckdb import DuckDBGenerator

from sedsql.adql.functions import registry
from sedsql.adql.geometry.errors import UnsupportedError
from sedsql.adql.parser import lexer
from sedsql.adql.parser.grammar import Grammar
from sedsql.adql.parser.values import CAST_TYPES
from sedsql.adql.tree.nodes import Call


class InDuckDB(exp.Expression):
    """A call of an ADQL function, which `str` writes in DuckDB's words.

    sqlglot's generators do not know this node, and none is changed for it: it stands in the `prefix` of an `exp.Tag`,
    of which any generator writes what `str` gives.
    """

    arg_types = {"this": True}  # noqa: RUF012

    def __str__(self) -> str:
        return CallGenerator(dialect=DuckDB()).sql(self.this)


class CallGenerator(DuckDBGenerator):
    """Writes the calls of ADQL's functions, and calls within calls, as DuckDB has them."""

    def call_sql(self, node: Call) -> str:
        function = registry.find(node.name)
        if function is None:
            return self.func(node.name, *node.arguments)
        try:
            return function.write(node.arguments, self.sql)
        except UnsupportedError as reason:
            raise errors.UnsupportedError(reason.sentence) from reason

    TRANSFORMS: t.ClassVar = {**DuckDBGenerator.TRANSFORMS, Call: call_sql}


def in_duckdb(tree: exp.Expr) -> exp.Expr:
    """Have any generator write the calls of a tree in DuckDB's words; calls within calls stay as they are."""
    return tree.transform(_tagged, copy=False)


def _tagged(node: exp.Expr) -> exp.Expr:
    return exp.Tag(prefix=InDuckDB(this=node), postfix="") if isinstance(node, Call) else node


class ADQL(Dialect):
    """The Astronomical Data Query Language 2.1 (IVOA Recommendation, 2023-12-15), strictly."""

    NULL_ORDERING = "nulls_are_large"
    TYPED_DIVISION = True

    class Tokenizer(tokens.Tokenizer):
        def tokenize(self, sql: str) -> list[tokens.Token]:
            return lexer.tokenize(sql)

    class Parser(parser.Parser):
        def parse(self, raw_tokens: list[tokens.Token], sql: str) -> list[exp.Expr | None]:
            return [in_duckdb(Grammar(raw_tokens, sql).statement())]

        def parse_into(
            self, expression_types: exp.IntoType, raw_tokens: list[tokens.Token], sql: str | None = None
        ) -> list[exp.Expr | None]:
            grammar = Grammar(raw_tokens, sql or "")
            found = grammar.condition(grammar.disjunction()) if expression_types is exp.Condition else None
            return [in_duckdb(found or grammar.statement())]

    class Generator(generator.Generator):
        LIMIT_IS_TOP = True
        RESERVED_KEYWORDS = {word.lower() for word in lexer.RESERVED}  # noqa: RUF012
        TYPE_MAPPING: t.ClassVar = {
            **generator.Generator.TYPE_MAPPING,
            **{exp.DType[name]: adql for adql, name in CAST_TYPES.items()},
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
            exp.Tag: lambda self, node: self.sql(node, "prefix"),
            InDuckDB: lambda self, node: self.sql(node, "this"),
        }
