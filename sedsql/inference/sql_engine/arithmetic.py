"""Write arithmetic as SQL that does what ONNX does where DuckDB differs: missing numbers, ties, rounding."""

from collections.abc import Sequence

from numpy.typing import NDArray

from sedsql.inference.model import ModelError
from sedsql.inference.sql_engine.expressions import DOUBLE, INTEGER, Value, balanced, constant, joined

Columns = list[Value]


def binary(sign: str, a: Value, b: Value) -> Value:
    if sign == "*" and 1 in (a.constant, b.constant):
        return a if b.constant == 1 else b
    nan = a.nan or b.nan
    if sign in "+-":
        nan |= a.infinite and b.infinite
    else:
        # 0 times infinity, and 0 / 0, unless one of them is a number that excludes it.
        safe = [x.constant not in (None, 0) and not x.infinite for x in ((a, b) if sign == "*" else (b,))]
        nan |= not any(safe) and (sign == "/" or a.infinite or b.infinite)
    return Value([a, f" {sign} ", b], a.kind, null=a.null or b.null, infinite=True, nan=nan)


def extreme(name: str, values: Sequence[Value]) -> Value:
    missing = [value for value in values if value.null]
    infinite = any(value.infinite for value in values)
    found = [f"{name}(", *joined(values, ", "), ")"]
    if missing:
        tests = [part for value in missing for part in (" OR ", value, " IS NULL")][1:]
        found = ["CASE WHEN ", *tests, " THEN NULL ELSE ", *found, " END"]
    return Value(found, values[0].kind, null=bool(missing), infinite=infinite)


def choice(test: Value, yes: Value, no: Value) -> Value:
    there = test.parts == [no, " IS NULL"]  # then it is not missing where it is chosen
    return Value(
        ["CASE WHEN ", test, " THEN ", yes, " ELSE ", no, " END"],
        *(yes.kind, yes.null or (no.null and not there), yes.infinite or no.infinite, yes.nan or no.nan),
    )


def total_of(values: Columns) -> Value:
    total = balanced(values, values[0].kind)
    null, infinite = any(x.null for x in values), any(x.infinite for x in values)
    return Value(total.parts, total.kind, null=null, infinite=True, nan=infinite or any(x.nan for x in values))


def product(columns: Columns, weights: NDArray) -> Columns:
    """Multiply columns by a matrix of shape (columns, outputs)."""
    if weights.ndim != 2 or len(weights) != len(columns):
        raise ModelError(f"{len(columns)} columns cannot be multiplied with an array of shape {weights.shape}.")
    products = []
    for column in weights.T:
        # A missing number makes the sum missing, whatever its weight is.
        terms = [
            binary("*", x, constant(w, x.kind))
            for x, w in zip(columns, column, strict=True)
            if w or x.null or x.infinite
        ]
        products.append(total_of(terms) if terms else constant(0, columns[0].kind))
    return products


def softmax(scores: Columns) -> Columns:
    kind, null = scores[0].kind, any(x.null for x in scores)
    largest = Value(["greatest(", *joined(scores, ", "), ")"], kind)
    powers = [Value(["exp(", x, " - ", largest, ")"], DOUBLE) for x in scores]
    total = balanced(powers, DOUBLE)
    return [Value(["(", power, " / ", total, f")::{kind}"], kind, null=null) for power in powers]


def place_of_largest(values: Columns) -> Value:
    every = Value(["[", *joined(values, ", "), "]"], "LIST")
    return Value(["list_position(", every, ", list_max(", every, ")) - 1"], INTEGER)
