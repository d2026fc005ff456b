"""Say in Spark's words what DuckDB's functions give: each is a template, or is written from its arguments.

Where the two engines differ, Spark's words have the meaning of DuckDB's: indices count from 1, and what lies beyond a
list is NULL; logarithms of numbers that have none are NaN and minus infinity; rounding is to whole DOUBLE numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from sedsql.adql.spark import vectors
from sedsql.adql.spark.reader import whole
from sedsql.adql.spark.values import NAN, Write, named, text

Written = str | Callable[[Sequence[exp.Expr], Write], str]

LARGEST = "4503599627370496"
"""From here on a DOUBLE has no fraction; NaN is above it."""
TIME = {"%Y": "yyyy", "%y": "yy", "%m": "MM", "%d": "dd", "%j": "DDD", "%H": "HH", "%I": "hh", "%M": "mm", "%S": "ss",
        "%g": "SSS", "%f": "SSSSSS", "%B": "MMMM", "%b": "MMM", "%A": "EEEE", "%a": "EEE", "%p": "a"}  # fmt: skip


def _same(*names: str) -> dict[str, Written]:
    """Functions that have the same name and meaning."""

    def written(name: str) -> Written:
        return lambda arguments, write: f"{name}({', '.join(map(write, arguments))})"

    return {name: written(name) for name in names}


def _whole_part(function: str) -> Written:
    """floor, ceil and trunc: Spark's give BIGINT, in which NaN is 0 and large numbers are cut."""
    made = "CAST(CAST({0} AS BIGINT) AS DOUBLE)" if function == "trunc" else f"CAST({function}({{0}}) AS DOUBLE)"

    def write_it(arguments: Sequence[exp.Expr], write: Write) -> str:
        value, *places = arguments
        body = f"CASE WHEN abs({{0}}) < {LARGEST} THEN {made} ELSE CAST({{0}} AS DOUBLE) END"
        return (
            _scaled(places, write, write(value), lambda one: named(one, body)) if places else named(write(value), body)
        )

    return write_it


def _round(arguments: Sequence[exp.Expr], write: Write) -> str:
    value, *places = arguments
    return _scaled(places, write, write(value), lambda one: f"round({one})") if places else f"round({write(value)})"


def _scaled(places: Sequence[exp.Expr], write: Write, value: str, made: Callable[[str], str]) -> str:
    """Round to decimal places as DuckDB does: the number times a power of ten; Spark rounds the digits of its text."""
    place = places[0]
    while isinstance(place, exp.Cast | exp.Paren):
        place = place.this
    digits = whole(place.this if isinstance(place, exp.Neg) else place)
    power = f"1e{digits}" if digits is not None and digits < 300 else f"pow(10, abs({write(places[0])}))"
    up, down = f"{made(f'(({value}) * {power})')} / {power}", f"{made(f'(({value}) / {power})')} * {power}"
    if digits is not None:
        return f"({down if isinstance(place, exp.Neg) else up})"
    return f"(CASE WHEN {write(places[0])} < 0 THEN {down} ELSE {up} END)"


def _logarithm(name: str) -> Written:
    """Spark has NULL for a logarithm that is none."""
    body = (
        f"coalesce({name}({{0}}), CASE WHEN {{0}} = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN {{0}} < 0 THEN {NAN} END)"
    )
    return lambda arguments, write: named(write(arguments[0]), body)


def _extreme(name: str) -> Written:
    """greatest and least, which Spark has of two values or more."""

    def write_it(arguments: Sequence[exp.Expr], write: Write) -> str:
        values = list(map(write, arguments))
        return f"{name}({', '.join(values)})" if len(values) > 1 else values[0]

    return write_it


def _range(arguments: Sequence[exp.Expr], write: Write) -> str:
    """Whole numbers below an end; Spark's sequence has its end, and counts down where that lies below the start."""
    start, end = ("0", *map(write, arguments))[-2:]
    return f"CASE WHEN {end} > {start} THEN sequence({start}, {end} - 1) ELSE array() END"


def _strftime(arguments: Sequence[exp.Expr], write: Write) -> str:
    pattern, given, place = "", arguments[1].name, 0
    while place < len(given):
        code = given[place : place + 2]
        if code == "%%":
            pattern, place = pattern + "%", place + 2
        elif code in TIME:
            pattern, place = pattern + TIME[code], place + 2
        else:
            letter = given[place]
            quoted = "''" if letter == "'" else f"'{letter}'" if letter.isalpha() else letter
            pattern, place = pattern + quoted, place + 1
    return f"date_format({write(arguments[0])}, {write(exp.Literal.string(pattern))})"


def _dimensions(arguments: Sequence[exp.Expr], write: Write) -> str:
    """All matches of a pattern; the brackets in the name of a type are words in Spark's."""
    value, pattern = arguments
    if isinstance(value, exp.Anonymous) and value.name.lower() == "typeof":
        pattern = exp.Literal.string("array<")
    return f"regexp_extract_all({write(value)}, {write(pattern)}, 0)"


def _split(arguments: Sequence[exp.Expr], write: Write) -> str:
    separator = exp.Literal.string(f"\\Q{arguments[1].name}\\E")
    return f"split({write(arguments[0])}, {write(separator)})"


def _part_of_text(arguments: Sequence[exp.Expr], write: Write) -> str:
    """A part of a text, which may begin before the text does."""
    value, start, *size = map(write, arguments)
    if not size or whole(arguments[1]):
        return f"substring({', '.join((value, start, *size))})"
    return f"substring({value}, {start}, {size[0]} - CASE WHEN {start} = 0 THEN 1 ELSE 0 END)"


def _end_of_text(name: str) -> Written:
    """left and right, where a negative number leaves out so many letters."""

    def write_it(arguments: Sequence[exp.Expr], write: Write) -> str:
        value, size = map(write, arguments)
        if whole(arguments[1]) is not None:
            return f"{name}({value}, {size})"
        return f"{name}({value}, CASE WHEN {size} < 0 THEN greatest(0, length({value}) + {size}) ELSE {size} END)"

    return write_it


def _statistic(name: str) -> Written:
    """What DuckDB gives NaN for where there are values, and Spark NULL."""
    return f"coalesce({name}({{0}}, {{1}}), CASE WHEN regr_count({{0}}, {{1}}) > 0 THEN {NAN} END)"


SUM_OF = "aggregate({0}, CAST(NULL AS DOUBLE), (__a, __b) -> coalesce(__a + __b, __a, CAST(__b AS DOUBLE)))"
THERE = "filter({0}, __a -> __a IS NOT NULL)"
SQUARES = "aggregate({0}, 0e0, (__a, __b) -> __a + coalesce(pow(__b - {mean}, 2), 0e0))"

LISTS: dict[str, Written] = {
    "len": "size({0})",
    "list_transform": "transform({0}, {1})",
    "list_filter": "filter({0}, {1})",
    "list_sum": SUM_OF,
    "list_avg": f"({SUM_OF} / nullif(size({THERE}), 0))",
    "list_stddev_samp": lambda arguments, write: _deviation(write(arguments[0])),
    "list_min": "array_min({0})",
    "list_max": "array_max({0})",
    "list_bool_or": "array_max({0})",
    "list_bool_and": "array_min({0})",
    "list_count": f"size({THERE})",
    "list_contains": "CASE WHEN {0} IS NOT NULL THEN coalesce(array_contains({0}, {1}), false) END",
    "list_position": "array_position({0}, {1})",
    "list_concat": "coalesce(concat({0}, {1}), {0}, {1})",
    "list_inner_product": "aggregate(zip_with({0}, {1}, (__a, __b) -> CAST(__a AS DOUBLE) * __b), 0e0,"
    " (__a, __b) -> __a + __b)",
    "flatten": "flatten({0})",
    "range": _range,
    "array_value": lambda arguments, write: f"array({', '.join(map(write, arguments))})",
    "array_inner_product": vectors.inner,
    "array_cross_product": vectors.outer,
    "array_distance": vectors.distance,
    "array_to_string": "array_join({0}, {1})",
    "list": "nullif(transform(collect_list(named_struct('v', {0})), __a -> __a.v), array())",
    "to_json": "to_json({0})",
    "json_array_length": "json_array_length(get_json_object({0}, {1}))",
    # What counts how often each number is there is here the list of them, and is asked for one number at a time.
    "histogram": "collect_list({0})",
    "map_extract_value": "nullif(size(filter({0}, __a -> __a = {1})), 0)",
}


def _deviation(values: str) -> str:
    there = THERE.format("{0}")
    mean = f"{SUM_OF} / size({there})"
    body = f"CASE WHEN size({there}) > 1 THEN sqrt({SQUARES.replace('{mean}', f'({mean})')} / (size({there}) - 1)) END"
    return named(values, body, always=True)


NUMBERS: dict[str, Written] = {
    **_same("abs", "acos", "asin", "atan", "atan2", "cbrt", "cos", "cot", "degrees", "exp", "pi", "pow", "radians",
            "sin", "sqrt", "tan"),
    "ceil": _whole_part("ceil"),
    "floor": _whole_part("floor"),
    "trunc": _whole_part("trunc"),
    "round": _round,
    "ln": _logarithm("ln"),
    "log10": _logarithm("log10"),
    "sign": "CAST(sign({0}) AS INT)",
    "greatest": _extreme("greatest"),
    "least": _extreme("least"),
    "isnan": f"({{0}} = {NAN})",
    "random": "rand()",
    "xor": "({0} ^ {1})",
}  # fmt: skip
TEXTS: dict[str, Written] = {
    **_same("lower", "upper", "length", "translate", "split_part", "lpad", "rpad", "instr"),
    "left": _end_of_text("left"),
    "right": _end_of_text("right"),
    "substring": _part_of_text,
    "trim": "trim(BOTH {1} FROM {0})",
    "ltrim": "trim(LEADING {1} FROM {0})",
    "rtrim": "trim(TRAILING {1} FROM {0})",
    "starts_with": "startswith({0}, {1})",
    "string_split": _split,
    "regexp_matches": "regexp_like({0}, {1})",
    "regexp_extract": "regexp_extract({0}, {1}, {2})",
    "regexp_extract_all": _dimensions,
    "printf": "format_string({0}, {1})",
    "string_agg": lambda arguments, write: f"listagg({text(write(arguments[0]))}, {write(arguments[1])})",
}
TIMES: dict[str, Written] = {
    "epoch_us": "timestampdiff(MICROSECOND, TIMESTAMP_NTZ '1970-01-01 00:00:00', {0})",
    "strftime": _strftime,
    "now": "now()",
    "to_seconds": "make_dt_interval(0, 0, 0, CAST({0} AS DECIMAL(18, 6)))",
}
AGGREGATES: dict[str, Written] = {
    **_same("avg", "count", "max", "min", "sum", "median", "bit_and", "bit_or", "stddev", "stddev_pop", "stddev_samp",
            "variance", "var_pop", "var_samp", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_count",
            "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy"),
    "any_value": "any_value({0}, true)",
    "corr": _statistic("corr"),
}  # fmt: skip
OTHERS: dict[str, Written] = {
    **_same("coalesce", "nullif", "typeof"),
    "error": "raise_error({0})",
}
FUNCTIONS: dict[str, Written] = {**LISTS, **NUMBERS, **TEXTS, **TIMES, **AGGREGATES, **OTHERS}
"""By DuckDB's names in lower case."""
