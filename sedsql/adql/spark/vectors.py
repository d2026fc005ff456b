"""Write the products of vectors as plain arithmetic of their elements: Spark has no functions of vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from sedsql.adql.spark.reader import arguments_of, name_of

Write = Callable[[exp.Expr], str]
SIZE = 3


def inner(arguments: Sequence[exp.Expr], write: Write) -> str:
    """The sum of products of the elements of two vectors, in brackets."""
    one, other = (_elements(argument, write) for argument in arguments)
    return _sum(f"{a} * {b}" for a, b in zip(one, other, strict=True))


def outer(arguments: Sequence[exp.Expr], write: Write) -> str:
    """The vector product of two vectors."""
    return f"array({', '.join(_outer(arguments, write))})"


def distance(arguments: Sequence[exp.Expr], write: Write) -> str:
    """The length of the difference of two vectors."""
    one, other = (_elements(argument, write) for argument in arguments)
    return f"sqrt({_sum(f'pow({a} - {b}, 2)' for a, b in zip(one, other, strict=True))})"


def _sum(parts: object) -> str:
    return f"({' + '.join(parts)})"  # type: ignore[arg-type]


def _outer(arguments: Sequence[exp.Expr], write: Write) -> list[str]:
    a, b = (_elements(argument, write) for argument in arguments)
    return [f"({a[i]} * {b[j]} - {a[j]} * {b[i]})" for i, j in ((1, 2), (2, 0), (0, 1))]


def _elements(vector: exp.Expr, write: Write) -> list[str]:
    """The SQL of each element of a vector."""
    vector = vector.unnest()
    if name_of(vector) == "array_cross_product":
        return _outer(arguments_of(vector), write)
    if name_of(vector) == "array_value":
        return [_bracketed(element, write) for element in arguments_of(vector)]
    text = write(vector)
    return [f"get({text}, {place})" for place in range(SIZE)]


def _bracketed(node: exp.Expr, write: Write) -> str:
    return f"({write(node)})" if isinstance(node, exp.Binary | exp.Neg) else write(node)
