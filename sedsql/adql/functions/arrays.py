"""Define functions of arrays, as PostgreSQL behind the archives has them: indices count from 1."""

from __future__ import annotations

from sqlglot import exp

from sedsql.adql.geometry.sphere import let
from sedsql.adql.tree.signature import Function, Write, bracketed

# Types are known only when it runs: `DOUBLE[][]` has two dimensions, and JSON counts inner elements for any type.
_DIMENSIONS = "len(regexp_extract_all(typeof(__a.v), '\\[[0-9]*\\]'))"
_INNER = "json_array_length(to_json(__a.v), '$[0]')::BIGINT"


def _of(array: exp.Expr, write: Write, body: str) -> str:
    return let({"v": write(array)}, body, "__a")


def element(arguments: list[exp.Expr], write: Write) -> str:
    array, *indices = map(bracketed(write), arguments)
    return f"({array})" + "".join(f"[{index}]" for index in indices)


def length(arguments: list[exp.Expr], write: Write) -> str:
    if len(arguments) == 1:
        return f"len({write(arguments[0])})"
    outer = f"CASE {write(arguments[1])} WHEN 1 THEN nullif(len(__a.v), 0) WHEN 2 THEN nullif({_INNER}, 0) END"
    return _of(arguments[0], write, outer)


def dimensions(arguments: list[exp.Expr], write: Write) -> str:
    return _of(arguments[0], write, f"CASE WHEN len(__a.v) > 0 THEN {_DIMENSIONS} END")


def bounds(arguments: list[exp.Expr], write: Write) -> str:
    inner = f"CASE WHEN {_DIMENSIONS} > 1 THEN '[1:' || {_INNER} || ']' ELSE '' END"
    return _of(arguments[0], write, f"CASE WHEN len(__a.v) > 0 THEN '[1:' || len(__a.v) || ']' || {inner} END")


def cardinality(arguments: list[exp.Expr], write: Write) -> str:
    return _of(arguments[0], write, f"len(__a.v) * CASE WHEN {_DIMENSIONS} > 1 THEN {_INNER} ELSE 1 END")


def _statistic(name: str) -> Function:
    return Function(("l",), "r", f"list_{name}({{0}})")


POSTGRESQL = {
    "ARRAY_ELEMENT": Function(("ln", "lnn"), None, element),
    "ARRAY_LENGTH": Function(("l", "ln"), "i", length),
    "ARRAY_NDIMS": Function(("l",), "i", dimensions),
    "ARRAY_DIMS": Function(("l",), "s", bounds),
    "ARRAY_CAT": Function(("ll",), None, "list_concat({0}, {1})"),
    "ARRAY_POSITION": Function(("la",), "i", "nullif(list_position({0}, {1}), 0)"),
    "CARDINALITY": Function(("l",), "i", cardinality),
    "ARRAY_AGG": Function(("a",), None, "list({0})", aggregate=True),
}
# Those of the mirrors at Heidelberg and Teruel.
STATISTICS = {
    "ARR_AVG": _statistic("avg"),
    "ARR_STDDEV": _statistic("stddev_samp"),
    "ARR_SUM": _statistic("sum"),
    "ARR_COUNT": Function(("l",), "i", "len({0})"),
    "ARR_MAX": Function(("l",), None, "list_max({0})"),
    "ARR_MIN": Function(("l",), None, "list_min({0})"),
    "ARR_SQRT": Function(("l",), None, "list_transform({0}, lambda __x: sqrt(__x))"),
    "ARR_IN": Function(("al",), "b", "list_contains({1}, {0})"),
    "ARR_DOT": Function(
        ("ll",), "r", "CASE WHEN len({0}) = len({1}) THEN list_inner_product({0}, {1}) ELSE 'nan'::DOUBLE END"
    ),
}
