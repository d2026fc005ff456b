"""Write a query that the translator has written for DuckDB in Spark's SQL."""

from __future__ import annotations

import re
import typing as t

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.generators.spark import SparkGenerator

from sedsql.adql.geometry.errors import UnsupportedError
from sedsql.adql.spark.functions import FUNCTIONS
from sedsql.adql.spark.lets import without_plain_names
from sedsql.adql.spark.reader import arguments_of, name_of, read, whole
from sedsql.adql.spark.values import WHOLE_TYPES, as_whole, divided, literal, text

SPARK = Spark()
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Words that Spark reserves besides DuckDB's, or takes for something else where a name may stand.
SPARK_WORDS = frozenset(
    """anti cross current_date current_time current_timestamp current_user date day except from full grouping hour
    inner intersect interval join lateral left minus minute month natural on right second semi session_user setminus
    timestamp timestamp_ltz timestamp_ntz union user using year""".split()  # noqa: SIM905
)
TYPES = {"TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "int", "BIGINT": "bigint", "HUGEINT": "decimal(38,0)"}
"""What `typeof` gives."""
NO_ESCAPE = r"ESCAPE '\u0001'"
BITS = exp.BitwiseAnd | exp.BitwiseOr | exp.BitwiseXor | exp.BitwiseLeftShift | exp.BitwiseRightShift
UNLIKE = BITS | exp.DPipe | exp.IntDiv | exp.Mod
"""Operators that bind otherwise in Spark."""
OPERATORS = UNLIKE | exp.Add | exp.Sub | exp.Mul | exp.Div


class UnknownError(UnsupportedError):
    """Something of DuckDB's that Spark has nothing for."""

    @property
    def sentence(self) -> str:
        return f"Spark has nothing for {self}"


def in_spark(sql: str) -> str:
    """Write DuckDB SQL that the translator has written in Spark's words; raise UnknownError where there are none."""
    return written(read(sql))


def written(tree: exp.Expr) -> str:
    """Write a tree that `reader.read` gave, which is changed, in Spark's words."""
    without_plain_names(tree)
    for node in list(tree.find_all(exp.Binary)):
        _bracket_operands(node)
    return Generator(dialect=SPARK).generate(tree, copy=False)


class Generator(SparkGenerator):
    """Writes what `reader.read` gives: functions are looked up by DuckDB's names."""

    # What sqlglot has for these would come before the methods below.
    TRANSFORMS: t.ClassVar = {
        node: written
        for node, written in SparkGenerator.TRANSFORMS.items()
        if node not in (exp.Array, exp.AtTimeZone, exp.IntDiv, exp.Select, exp.Table, exp.TryCast)
    }

    def anonymous_sql(self, node: exp.Anonymous) -> str:
        name, arguments = node.name.lower(), arguments_of(node)
        found = FUNCTIONS.get(name)
        if found is None:
            if isinstance(node.parent, exp.Dot) or name.startswith("sed_"):  # of models, or nobody's
                return f"{node.name}({', '.join(map(self.sql, arguments))})"
            raise UnknownError(f"DuckDB's function {name}")
        return found.format(*map(self.sql, arguments)) if isinstance(found, str) else found(arguments, self.sql)

    def select_sql(self, node: exp.Select) -> str:
        """Write a SELECT, in which Spark allows one expression that yields several rows."""
        several = [item for item in node.expressions if name_of(_value(item)) == "unnest"]
        values = [arguments_of(_value(item))[0] for item in several]
        if len(several) > 1 and all(isinstance(value, exp.Array) and len(value.expressions) == 1 for value in values):
            named = ", ".join(
                f"'{item.alias}', {self.sql(value.expressions[0])}" for item, value in zip(several, values, strict=True)
            )
            several[0].replace(exp.Var(this=f"inline(array(named_struct({named})))"))
            for item in several[1:]:
                item.pop()
        elif len(several) == 1:
            _value(several[0]).replace(exp.Var(this=f"explode({self.sql(values[0])})"))
        return super().select_sql(node)

    def table_sql(self, node: exp.Table, sep: str = " AS ") -> str:
        """Write a table; what reads files by their names reads each of them, so that none may be missing."""
        if name_of(node.this) == "read_parquet":
            paths = arguments_of(node.this)[0]
            while not isinstance(paths, exp.Array):
                paths = arguments_of(paths)[0]  # the check of a list of files
            every = " UNION ALL ".join(f"SELECT * FROM parquet.{_quoted(path.name)}" for path in paths.expressions)
            alias = self.sql(node, "alias")
            return f"({every}){sep}{alias}" if alias else f"({every})"
        return super().table_sql(node, sep)

    def bracket_sql(self, node: exp.Bracket) -> str:
        """Write an element of a list, or a part of one: NULL beyond its ends, and from the end where it is negative."""
        value, (index,) = self.sql(node.this), node.expressions
        if isinstance(index, exp.Slice):
            start, end = index.this, index.expression
            first = self.sql(start) if start else "1"
            last = self.sql(end) if end else f"size({value})"
            return f"slice({value}, {first}, greatest({last} - {first} + 1, 0))"
        place = whole(index)
        if place:
            return f"get({value}, {place - 1})"
        return f"try_element_at({value}, CAST(nullif({self.sql(index)}, 0) AS INT))"

    def struct_sql(self, node: exp.Struct) -> str:
        fields = ((field.this.name, field.expression) for field in node.expressions)
        return f"named_struct({', '.join(f'{literal(name)}, {self.sql(value)}' for name, value in fields)})"

    def array_sql(self, node: exp.Array) -> str:
        return f"array({', '.join(map(self.sql, node.expressions))})"

    def lambda_sql(self, node: exp.Lambda, arrow_sep: str = "->", wrap: bool = True) -> str:
        return f"{self.sql(node.expressions[0])} -> {self.sql(node, 'this')}"

    def cast_sql(self, node: exp.Cast, safe_prefix: str | None = None) -> str:
        to = self.sql(node, "to")
        if isinstance(node, exp.TryCast):
            return f"try_cast({self.sql(node, 'this')} AS {to})"
        if to in WHOLE_TYPES:
            return as_whole(node.this, to, self.sql)
        value = self.sql(node, "this")
        return text(value) if to == "STRING" and not node.this.is_string else f"CAST({value} AS {to})"

    def trycast_sql(self, node: exp.TryCast) -> str:
        return self.cast_sql(node)

    def datatype_sql(self, node: exp.DataType) -> str:
        if node.this in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ):
            return "TIMESTAMP_NTZ"
        if node.this == exp.DType.ARRAY:
            return f"ARRAY<{self.sql(node.expressions[0])}>"
        if node.this == exp.DType.INT128:
            return "DECIMAL(38, 0)"
        return "STRING" if node.this in (exp.DType.TEXT, exp.DType.VARCHAR) else super().datatype_sql(node)

    def div_sql(self, node: exp.Div) -> str:
        left, right = self.sql(node.this), self.sql(node.expression)
        return f"{left} / {right}" if _never_zero(node.expression) else divided(left, right)

    def intdiv_sql(self, node: exp.IntDiv) -> str:
        sides = self.sql(node.this), self.sql(node.expression)
        branch = node.find_ancestor(exp.If)
        if branch is not None and any(name_of(part) == "typeof" for part in branch.this.find_all(exp.Anonymous)):
            sides = f"CAST({sides[0]} AS BIGINT)", f"CAST({sides[1]} AS BIGINT)"  # for Spark looks into both branches
        return f"{sides[0]} div {sides[1]}"

    def mod_sql(self, node: exp.Mod) -> str:
        return f"{self.sql(node.this)} % {self.sql(node.expression)}"

    def dpipe_sql(self, node: exp.DPipe) -> str:
        return f"{self.sql(node.this)} || {self.sql(node.expression)}"

    def attimezone_sql(self, node: exp.AtTimeZone) -> str:
        return f"to_utc_timestamp({self.sql(node.this)}, current_timezone())"

    def in_sql(self, node: exp.In) -> str:
        if name_of(node.this) == "typeof":
            for value in node.expressions:
                value.set("this", TYPES.get(value.name, value.name))
        return super().in_sql(node)

    def like_sql(self, node: exp.Like) -> str:
        return self._like(node, "LIKE")

    def ilike_sql(self, node: exp.ILike) -> str:
        return self._like(node, "ILIKE")

    def _like(self, node: exp.Binary, word: str) -> str:
        """Write a pattern without an escape: in Spark a backslash is one unless another letter is named."""
        pattern = node.expression
        plain = isinstance(pattern, exp.Literal) and "\\" not in pattern.name
        more = "" if plain or isinstance(node.parent, exp.Escape) else f" {NO_ESCAPE}"
        return f"{self.sql(node.this)} {word} {self.sql(pattern)}{more}"

    def escape_sql(self, node: exp.Escape) -> str:
        """Write a pattern with backslashes, which escape by themselves; Spark takes them before three letters alone."""
        pattern = node.this.expression
        pattern.set("this", re.sub(r"\\([^%_\\])", r"\1", pattern.name))
        return self.sql(node.this)

    def identifier_sql(self, node: exp.Identifier) -> str:
        name = node.name
        return name if PLAIN.fullmatch(name) and not node.quoted and name.lower() not in SPARK_WORDS else _quoted(name)

    def placeholder_sql(self, node: exp.Placeholder) -> str:
        return f":p{node.name}" if node.name.isdigit() else f":{node.name}"

    def literal_sql(self, node: exp.Literal) -> str:
        return literal(node.name) if node.is_string else node.name

    def neg_sql(self, node: exp.Neg) -> str:
        inner = self.sql(node, "this")
        return f"-({inner})" if isinstance(node.this, exp.Binary | exp.Neg) else f"-{inner}"


def _bracket_operands(node: exp.Binary) -> None:
    """Put brackets around operators whose order of evaluation is another one in Spark."""
    for key in ("this", "expression"):
        side = node.args.get(key)
        if isinstance(side, OPERATORS) and (isinstance(side, UNLIKE) or isinstance(node, UNLIKE)):
            node.set(key, exp.Paren(this=side))


def _value(item: exp.Expr) -> exp.Expr:
    return item.this if isinstance(item, exp.Alias) else item


def _never_zero(node: exp.Expr) -> bool:
    """Whether a divisor is a constant other than zero, or no less than one."""
    node = node.unnest()
    if name_of(node) == "greatest" or name_of(node) == "sqrt":
        return _never_zero(arguments_of(node)[0])
    if isinstance(node, exp.Mul):
        return _never_zero(node.this) and _never_zero(node.expression)
    if isinstance(node, exp.Literal) and not node.is_string:
        return float(node.name) > 0
    return name_of(node) == "pi"


def _quoted(name: str) -> str:
    escaped = name.replace("`", "``")
    return f"`{escaped}`"
