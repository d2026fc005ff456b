"""Take what a request asks for out of its JSON; each mistake is one sentence, which says what would work."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from sedsql.service.errors import ServiceError

_LARGEST = 1e300


def shown(value: Any) -> str:
    """The beginning of a value, for a sentence."""
    return repr(value)[:60]


def object_of(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ServiceError(f"{what} is an object of JSON, not {shown(value)}.")
    return value


def list_of(value: Any, what: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise ServiceError(f"{what} is a list, not {shown(value)}.")
    if len(value) > most:
        raise ServiceError(f"{what} has {len(value):,} items; it may have {most:,}.", 413)
    return value


def text_of(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ServiceError(f"{what} is a text, not {shown(value)}.")
    return value


def boolean_of(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise ServiceError(f"{what} is true or false, not {shown(value)}.")
    return value


def whole_of(value: Any, what: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ServiceError(f"{what} is a whole number from {least:,} to {most:,}, not {shown(value)}.")
    return value


def number_of(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST <= value <= _LARGEST:
        raise ServiceError(f"{what} is a number, not {shown(value)}.")
    return float(value)


def numbers_of(value: Any, what: str, count: int) -> list[float]:
    if not isinstance(value, list) or len(value) != count:
        raise ServiceError(f"{what} is a list of {count} numbers, not {shown(value)}.")
    return [number_of(one, what) for one in value]


def ranges_of(value: Any, what: str, axes: int) -> list[tuple[float, float]]:
    """The least and the largest value on each axis: [x0, x1], or [x0, x1, y0, y1], in either order."""
    numbers = numbers_of(value, what, 2 * axes)
    return [(min(pair), max(pair)) for pair in zip(numbers[::2], numbers[1::2], strict=True)]


def only(values: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    """Refuse keys that mean nothing, so that no wish is passed over."""
    for key in values:
        if key not in known:
            raise ServiceError(f"{what} has {shown(key)}, which means nothing there; it may have {', '.join(known)}.")


def sql_number(value: float) -> str:
    """Write a finite number as a DOUBLE of SQL, which reads the same number."""
    assert isfinite(value)
    return f"{float(value)!r}::DOUBLE"
