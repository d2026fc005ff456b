"""The sort of value that an expression yields, as far as it can be told."""

from __future__ import annotations

from sqlglot import exp

# One letter each: i integer, r real, n number of either sort, s string, b truth value, t time;
# the geometries P point, C circle, B box, Y polygon, G any of them. None: it cannot be told.
NUMBERS = "irn"
GEOMETRIES = "PCBYG"
WORDS = {"n": "a number", "s": "a string", "b": "a condition", "t": "a time", "g": "a geometry"}

_INTEGERS = {"SMALLINT", "INT", "INTEGER", "BIGINT", "TINYINT", "HUGEINT", "SHORT", "LONG", "UTINYINT"}
_REALS = {"REAL", "FLOAT", "DOUBLE", "DOUBLE PRECISION", "DECIMAL", "NUMERIC"}
_STRINGS = {"CHAR", "VARCHAR", "TEXT", "STRING", "UNICODECHAR", "CLOB"}


def of_datatype(datatype: object) -> str | None:
    """The kind of a column from the name of its type, be it TAP_SCHEMA's, VOTable's or DuckDB's."""
    name = str(datatype or "").upper()
    if name.endswith("]") and not name.startswith("CHAR"):
        return None
    name = name.split("(")[0].strip()
    if name in _INTEGERS:
        return "i"
    if name in _REALS:
        return "r"
    if name in _STRINGS:
        return "s"
    if name == "BOOLEAN":
        return "b"
    return "t" if name.startswith("TIMESTAMP") else None


def family(kind: str | None) -> str | None:
    """The coarse sort that the grammar looks at: n, s, b, t, g or None."""
    if kind is None:
        return None
    return "n" if kind in NUMBERS else "g" if kind in GEOMETRIES else kind


def of(node: exp.Expr | None) -> str | None:
    """The kind of an expression. Columns carry theirs in `meta` once their names are resolved."""
    if node is None:
        return None
    kind = node.meta.get("kind") if node._meta else None
    if kind == "=":  # as its first argument, a number at least if a function of numbers asked for it
        first = (node.args.get("expressions") or [node.this])[0]
        return of(first.expressions[0] if isinstance(first, exp.Distinct) else first)
    if kind:
        return str(kind)
    if isinstance(node, exp.Paren | exp.Neg | exp.Alias):
        return of(node.this)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
        # Left-deep chains may be long: walk them, do not recurse.
        kinds = set()
        inner: exp.Expr = node
        while isinstance(inner, exp.Add | exp.Sub | exp.Mul | exp.Div):
            kinds.add(of(inner.expression))
            inner = inner.this
        kinds.add(of(inner))
        return "r" if "r" in kinds else "i" if kinds == {"i"} else "n"
    if isinstance(node, exp.Case):
        branches = [of(branch.args["true"]) for branch in node.args["ifs"]]
        return common([*branches, of(node.args.get("default"))])
    if isinstance(node, exp.Coalesce):
        return common([of(node.this), *map(of, node.expressions)])
    return None


def common(kinds: list[str | None]) -> str | None:
    """The kind of a value that is one of several."""
    known = {kind for kind in kinds if kind}
    if len(known) == 1:
        return known.pop()
    return "r" if known == {"i", "r"} else "n" if known and known <= set(NUMBERS) else None
