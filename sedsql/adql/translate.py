"""ADQL in, DuckDB SQL out."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.generators.duckdb import DuckDBGenerator

from sedsql.adql import compounds, geometry, kinds, lexer
from sedsql.adql import functions as language
from sedsql.adql.errors import AdqlError
from sedsql.adql.grammar import Grammar
from sedsql.adql.nodes import Call
from sedsql.adql.parameters import Values
from sedsql.adql.resolve import Resolver
from sedsql.adql.rewrite import REWRITES, Raw, rewrite
from sedsql.adql.scope import Catalogue, Column, Columns, ModelFunction
from sedsql.adql.sphere import let
from sedsql.adql.words import span

# Names that DuckDB takes for words of its own. One that is missing here would be a syntax error, no more.
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
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WHOLE = "('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT')"
MAX_LENGTH = 500_000
"""Characters of the SQL of a call."""
MAX_ALL = 1_200_000
"""Characters of the SQL of all calls of a query."""
SIMPLE_TESTS = {"CONTAINS": compounds.contains_condition, "INTERSECTS": compounds.intersects_condition}


@dataclass(frozen=True)
class Translation:
    """DuckDB SQL, and the catalogue's columns that columns of the answer are, by lower-case name."""

    sql: str
    columns: dict[str, Column]


def translate(
    adql: str,
    catalogue: Catalogue | None = None,
    functions: Mapping[str, ModelFunction] | None = None,
    *,
    values: Values | None = None,
    explain: list[str] | None = None,
    rewrites: Collection[str] = tuple(REWRITES),
) -> str:
    """The DuckDB SQL of an ADQL query.

    Parameters
    ----------
    adql : the query
    catalogue : what all names are checked against, such as `Connection.catalogue`; without one they are taken as they
        come, and only the language is checked
    functions : those that the database has besides ADQL's
    values : of the parameters `?` and `:name`, which are `$1` and `$name` in DuckDB's SQL
    explain : a list that gets a sentence for each thing that the rewrites did
    rewrites : those of REWRITES that are made, as `sedsql.connect` has them

    Raises
    ------
    AdqlError
        And nothing else, for a query that is not good.

    Examples
    --------
    >>> import sedsql
    >>> sedsql.translate("SELECT TOP 5 source_id FROM gaiadr3.gaia_source WHERE parallax > 100")
    'SELECT source_id FROM gaiadr3.gaia_source WHERE parallax > 100 LIMIT 5'
    """
    return translation(adql, catalogue, functions, values=values, explain=explain, rewrites=rewrites).sql


def translation(
    adql: str,
    catalogue: Catalogue | None = None,
    functions: Mapping[str, ModelFunction] | None = None,
    *,
    values: Values | None = None,
    explain: list[str] | None = None,
    rewrites: Collection[str] = tuple(REWRITES),
) -> Translation:
    """What `translate` gives, and what is known of the columns that the query has; the arguments are the same."""
    try:
        query = Grammar(lexer.tokenize(adql), adql, catalogue is not None, values).statement()
        columns = Resolver(adql, catalogue, functions).whole(query) or Columns(())
        writer = Writer(adql, catalogue is None)
        rewrite(query, writer.sql, [] if explain is None else explain, rewrites)
        writer.written = 0  # rewrites have some of it written more than once
        sql = writer.generate(query, copy=False)
    except AdqlError:
        raise
    except RecursionError:
        raise AdqlError("The query is too deeply nested", adql) from None
    return Translation(sql, {name: known.column for name, known in columns.items() if known.column})


class Writer(DuckDBGenerator):
    """Writes a resolved query with ADQL's meaning in DuckDB's words."""

    def __init__(self, source: str = "", lax: bool = True):
        super().__init__(dialect=DuckDB())
        self.source, self.lax, self.written = source, lax, 0

    def lacking(self, node: exp.Expr, what: geometry.UnsupportedError) -> str:
        """Refuses what is lacking; where only the language is checked, a region may be any string."""
        sentence = what.sentence
        if self.lax and isinstance(what, geometry.RegionError):
            escaped = sentence.replace("'", "''")
            return f"error('{escaped}')"
        raise AdqlError(sentence, self.source, *span(node))

    def call_sql(self, node: Call) -> str:
        function = language.find(node.name)
        if function is None:
            arguments = ", ".join(map(self.sql, node.arguments))
            # A function that nobody vouches for must not become one of DuckDB's own: those can read settings
            # and change sequences. No such schema exists.
            model = node.meta.get("model")
            if written := getattr(model, "written", None):
                return written(node.name.lower(), list(map(self.sql, node.arguments)))
            prefix = "" if model else "udf."
            return f"{prefix}{node.name.lower()}({arguments})"
        try:
            return self.bounded(node, function.write(node.arguments, self.sql))
        except geometry.UnsupportedError as reason:
            return self.lacking(node, reason)

    def bounded(self, node: exp.Expr, text: str) -> str:
        """The SQL of a call, if it is not too long: arguments are written more than once, and so on within them."""
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
        return f"${node.name}"

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
        found = {kinds.of(node.this), kinds.of(node.expression)}
        if found == {"i"}:
            return f"{left} // {right}"
        if "r" in found:
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
        """A backslash takes the meaning from what follows it, as in PostgreSQL."""
        escape = " ESCAPE '\\'" if "\\" in node.expression.name else ""
        return f"{self.sql(node.this)} {word} {self.sql(node.expression)}{escape}"

    def eq_sql(self, node: exp.EQ) -> str:
        return self.simple_test(node, True) or super().binary(self.without_blanks(node), "=")

    def neq_sql(self, node: exp.NEQ) -> str:
        return self.simple_test(node, False) or super().binary(self.without_blanks(node), "<>")

    def without_blanks(self, node: exp.Binary) -> exp.Binary:
        """Trailing blanks count for nothing where a CHAR is compared."""
        for one, other in (("this", "expression"), ("expression", "this")):
            text, value = node.args[one], node.args[other]
            if isinstance(value, exp.Cast) and value.to.this == exp.DType.CHAR and text.is_string:
                node.set(one, exp.Literal.string(text.name.rstrip(" ")))
        return node

    def simple_test(self, node: exp.Binary, equal: bool) -> str | None:
        """`1 = CONTAINS(...)` as a condition, without the number in between."""
        for test, number in ((node.this, node.expression), (node.expression, node.this)):
            value = geometry.constant(number)
            if isinstance(test, Call) and test.name in SIMPLE_TESTS and value in (0, 1):
                try:
                    condition = self.bounded(test, SIMPLE_TESTS[test.name](test.arguments, self.sql))
                except geometry.UnsupportedError as reason:
                    condition = f"({self.lacking(test, reason)} = 1)"
                return condition if (value == 1) == equal else f"NOT {condition}"
        return None

    TRANSFORMS: t.ClassVar = {
        **DuckDBGenerator.TRANSFORMS,
        Call: lambda self, node: self.call_sql(node),
        Raw: lambda self, node: node.this,
    }
