"""Write TO_CHAR, numbers and times as text, by PostgreSQL's formats (PostgreSQL 15 manual, section 9.8)."""

from __future__ import annotations

import re

from sqlglot import exp

from sedsql.adql.geometry.errors import RangeError, UnsupportedError
from sedsql.adql.geometry.sphere import let
from sedsql.adql.tree import value_types
from sedsql.adql.tree.signature import Write, bracketed
from sedsql.adql.tree.value_types import ValueType

TIME = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DDD": "%j", "DD": "%d", "HH24": "%H", "HH12": "%I", "HH": "%I",
        "MI": "%M", "SS": "%S", "MS": "%g", "US": "%f", "Month": "%B", "Mon": "%b", "Day": "%A", "Dy": "%a",
        "AM": "%p", "PM": "%p"}  # fmt: skip
TIME_WORD = re.compile("|".join(sorted(TIME, key=len, reverse=True)) + r"|[A-Za-z]+|%|[^A-Za-z%]+")
NUMBER = re.compile(r"(FM)?([09]+)(?:\.([09]+))?")


def to_char(arguments: list[exp.Expr], write: Write) -> str:
    if len(arguments) == 1:
        return f"CAST({write(arguments[0])} AS VARCHAR)"
    value, pattern = arguments
    given = value_types.family(value_types.of(value))
    if not isinstance(pattern, exp.Literal):
        raise UnsupportedError("TO_CHAR with a format that is no constant")
    found = NUMBER.fullmatch(pattern.name)
    if not pattern.name or (found is None and given is ValueType.NUMBER):
        raise RangeError(f"{pattern.name!r} is no format of a number, such as '999.99'")
    if found and given not in (None, ValueType.NUMBER):
        raise RangeError(f"{pattern.name!r} is a format of numbers, and TO_CHAR is given {value_types.NAMES[given]}")
    if found:
        return _number(bracketed(write)(value), bool(found[1]), found[2], found[3] or "")
    return f"strftime(CAST({write(value)} AS TIMESTAMP), '{_time(pattern.name)}')"


def _time(pattern: str) -> str:
    parts = []
    for word in TIME_WORD.findall(pattern):
        if word in TIME:
            parts.append(TIME[word])
        elif word[0].isalpha() and word != "T":
            raise UnsupportedError(f"{word!r} in the format of TO_CHAR")
        else:
            parts.append(word.replace("%", "%%").replace("'", "''"))
    return "".join(parts)


def _number(value: str, bare: bool, whole: str, decimals: str) -> str:
    """Digits in their places, blanks before them, and # where there is not room enough."""
    at_least = len(whole) - whole.index("0") if "0" in whole else 0
    width = len(whole) + (1 + len(decimals) if decimals else 0)
    digits = {"t": f"printf('%.{len(decimals)}f', abs(CAST({value} AS DOUBLE)))", "n": f"{value} < 0"}
    parts = {"w": "ltrim(split_part(__t.t, '.', 1), '0')", "d": "split_part(__t.t, '.', 2)"}
    if not decimals:  # a lone zero is shown
        at_least = max(at_least, 1)
    padded = f"lpad(__p.w, greatest(length(__p.w), {at_least})::INT, '0')"
    text = padded + (" || '.' || __p.d" if decimals else "")
    kept = decimals.rfind("0") + 1  # trailing zeros of nines go with FM
    if bare and decimals:
        text = f"{padded} || '.' || left(__p.d, {kept}) || rtrim(substring(__p.d, {kept + 1}), '0')"
    full = "#" * len(whole) + ("." + "#" * len(decimals) if decimals else "")
    shown = f"CASE WHEN length(__p.w) > {len(whole)} THEN '{full}' ELSE {text} END"
    # The sign is not that of a number that rounds to zero.
    sign = "CASE WHEN __t.n AND regexp_matches(__t.t, '[1-9]') THEN '-' ELSE '' END"
    signed = f"{sign} || {shown}"
    result = signed if bare else f"lpad({signed}, {width + 1}, ' ')"
    return let(digits, let(parts, result, "__p"), "__t")
