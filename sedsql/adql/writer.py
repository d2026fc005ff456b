"""Write a resolved query in DuckDB's words, with ADQL's meaning."""

from __future__ import annotations

import re
import typing as t

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.generators.duckdb import DuckDBGenerator

from sedsql.adql.errors import AdqlError
from sedsql.adql.functions import registry as language
from sedsql.adql.geometry import compounds, numbers
from sedsql.adql.geometry.errors import RegionError, UnsupportedError
from sedsql.adql.geometry.sphere import let
from sedsql.adql.parser.token_stream import span
from sedsql.adql.tree import value_types
from sedsql.adql.tree.model_function import ModelFunction
from sedsql.adql.tree.nodes import Call, RawSQL
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.value_types import ValueType

# Words that DuckDB reserves, which are quoted as names. A word that is missing here gives a syntax error, no more.
DUCKDB_WORDS = frozenset(
    """all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case cast
    check collate collation column columns concurrently constraint create cross default deferrable desc describe
    distinct do else end except false fetch for foreign freeze from full generated glob group having ilike in
    initially inner intersect into is isnull join lambda lateral leading left like limit map natural not notnull
    null offset on only or order outer overlaps pivot pivot_longer pivot_wider placing positional primary
    qualify references returning right select semi show similar some struct summarize symmetric table
    tablesample then to trailing true try_cast union unique unpack unpivot using variadic verbose when where
    window with""".split()  # noqa: SIM905
)
MARK = "\ud800"
"""Stands around the name of a parameter until all SQL is written; no query can have it, for it is half a character."""
MARKED = re.compile(f"{MARK}(\\w+){MARK}")
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
DUCKDB = DuckDB()
WHOLE = "('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT')"
MAX_LENGTH = 500_000
"""The most characters of the SQL of one call."""
MAX_ALL = 1_200_000
"""The most characters of the SQL of all calls of a query."""
SIMPLE_TESTS = {"CONTAINS": compounds.contains_condition, "INTERSECTS": compounds.intersects_condition}


class Writer(DuckDBGenerator):
    """Writes a resolved query with ADQL's meaning in DuckDB's words, and its parameters between marks."""

    def __init__(self, source: str = "", lax: bool = True):
        super().__init__(dialect=DUCKDB)
        self.source, self.lax, self.written = source, lax, 0

    def lacking(self, node: exp.Expr, what: UnsupportedError) -> str:
        """Refuse what sedsql does not support; where only the language is checked, a region may be any string."""
        sentence = what.sentence
        if self.lax and isinstance(what, RegionError):
            escaped = sentence.replace("'", "''")
            return f"error('{escaped}')"
        raise AdqlError(sentence, self.source, *span(node))

    def call_sql(self, node: Call) -> str:
        function = language.find(node.name)
        if function is None:
            model: ModelFunction | None = notes(node).model
            if model and (written := model.written(node.arguments)) is not None:
                return self.sql(written)
            arguments = ", ".join(map(self.sql, node.arguments))
            # A function that nobody vouches for must not become one of DuckDB's own: those can read settings
            # and change sequences. No such schema exists.
            prefix = "" if model else "udf."
            return f"{prefix}{node.name.lower()}({arguments})"
        try:
            return self.bounded(node, function.write(node.arguments, self.sql))
        except UnsupportedError as reason:
            return self.lacking(node, reason)

    def bounded(self, node: exp.Expr, text: str) -> str:
        """Give back the SQL of a call if it is not too long: functions write an argument more than once."""
        if len(text) > MAX_LENGTH:
            raise AdqlError("Functions are nested too deeply here", self.source, *span(node))
        self.written += len(text)
        if self.written > MAX_ALL:
            raise AdqlError("The functions of this query are too many or too long", self.source, *span(node),
                            "ask in several queries")  # fmt: skip
        return text

    def literal_sql(self, node: exp.Literal) -> str:
        if node.is_string or node.this.isdigit() or "e" in node.this.lower():
            return super().literal_sql(node)
        return f"{node.this}e0"  # a DOUBLE: DuckDB's DECIMAL overflows in products

    def parameter_sql(self, node: exp.Parameter) -> str:
        return f"{MARK}{node.name}{MARK}"

    def identifier_sql(self, node: exp.Identifier) -> str:
        name = node.name
        if PLAIN.fullmatch(name) and name.lower() not in DUCKDB_WORDS:
            return name
        escaped = name.replace('"', '""')
        return f'"{escaped}"'

    def column_parts(self, node: exp.Column) -> str:
        if isinstance(node.this, exp.Star):  # DuckDB has no schema.table.*
            return f"{self.sql(node.args['table'])}.{self.sql(node.this)}"
        return super().column_parts(node)

    def div_sql(self, node: exp.Div) -> str:
        left, right = self.sql(node.this), self.sql(node.expression)
        found = {value_types.of(node.this), value_types.of(node.expression)}
        if found == {ValueType.INTEGER}:
            return f"{left} // {right}"
        if ValueType.REAL in found:
            return f"{left} / {right}"
        # Types are unknown here: the database tells.
        body = (
            f"CASE WHEN typeof(__d.l) IN {WHOLE} AND typeof(__d.r) IN {WHOLE} THEN __d.l // __d.r"
            " ELSE __d.l / __d.r END"
        )
        return let({"l": left, "r": right}, body, "__d")

    def cast_sql(self, node: exp.Cast, safe_prefix: str | None = None) -> str:
        if node.to.args.get("kind"):  # a geometry, from the numbers in a string (DALI 1.1, section 3.3.7)
            numbers = f"regexp_extract_all({self.sql(node.this)}, '[-+]?[0-9][0-9.]*(?:[eE][-+]?[0-9]+)?')"
            return f"CAST({numbers} AS DOUBLE[])"
        size = node.to.expressions
        if not size:
            return super().cast_sql(node, safe_prefix)
        text = f"left(CAST({self.sql(node.this)} AS VARCHAR), {self.sql(size[0])})"
        return f"rtrim({text}, ' ')" if node.to.this == exp.DType.CHAR else text

    def like_sql(self, node: exp.Like) -> str:
        return self.like(node, "LIKE")

    def ilike_sql(self, node: exp.ILike) -> str:
        return self.like(node, "ILIKE")

    def like(self, node: exp.Binary, word: str) -> str:
        """Write LIKE or ILIKE, in which a backslash escapes the next character, as in PostgreSQL."""
        escape = " ESCAPE '\\'" if "\\" in node.expression.name else ""
        return f"{self.sql(node.this)} {word} {self.sql(node.expression)}{escape}"

    def eq_sql(self, node: exp.EQ) -> str:
        return self.simple_test(node, True) or super().binary(self.without_blanks(node), "=")

    def neq_sql(self, node: exp.NEQ) -> str:
        return self.simple_test(node, False) or super().binary(self.without_blanks(node), "<>")

    def without_blanks(self, node: exp.Binary) -> exp.Binary:
        """Remove trailing blanks from a text that a CHAR is compared with: they count for nothing."""
        for one, other in (("this", "expression"), ("expression", "this")):
            text, value = node.args[one], node.args[other]
            if isinstance(value, exp.Cast) and value.to.this == exp.DType.CHAR and text.is_string:
                node.set(one, exp.Literal.string(text.name.rstrip(" ")))
        return node

    def simple_test(self, node: exp.Binary, equal: bool) -> str | None:
        """Write `1 = CONTAINS(...)` as a condition, without the number in between; None for any other comparison."""
        for test, number in ((node.this, node.expression), (node.expression, node.this)):
            value = numbers.constant(number)
            if isinstance(test, Call) and test.name in SIMPLE_TESTS and value in (0, 1):
                try:
                    condition = self.bounded(test, SIMPLE_TESTS[test.name](test.arguments, self.sql))
                except UnsupportedError as reason:
                    condition = f"({self.lacking(test, reason)} = 1)"
                return condition if (value == 1) == equal else f"NOT {condition}"
        return None

    TRANSFORMS: t.ClassVar = {
        **DuckDBGenerator.TRANSFORMS,
        Call: lambda self, node: self.call_sql(node),
        RawSQL: lambda self, node: node.this,
    }
