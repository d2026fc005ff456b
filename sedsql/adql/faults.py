"""Say in ADQL's words what DuckDB says of a query: of its types, which no row is needed for, and of its values."""

from __future__ import annotations

import re
from collections.abc import Callable

from sedsql.adql.errors import AdqlError, AdqlValueError

OF_QUERY = frozenset(
    "BinderException NotImplementedException ParserException TypeMismatchException".split()  # noqa: SIM905
)
"""DuckDB's classes of errors that are mistakes in a query; the translator finds nearly all, with their places."""
OF_VALUES = frozenset(
    "ConversionException InvalidInputException InvalidTypeException OutOfRangeException SyntaxException".split()  # noqa: SIM905
)
"""Its classes of errors that a value of some row, or one that is computed, makes."""

FOREIGN = re.compile(
    r"\b_m1\b|\b__\w|\b_rows\b|_parquet|\bVARCHAR\b|\bU?U?INT\d+\b|HUGEINT|STRUCT|\bBLOB\b|INTEGER_LITERAL|\bTRY\b|"
    r"\b(?:list|array|string|regexp|json)_\w+|explicit (?:type )?cast|lambda|scalar function|\bLINE \d"
)
"""Words of DuckDB's, and of the SQL that it is handed, which a user has not written."""

_NAMES = {"INT8": "SMALLINT", "INT16": "SMALLINT", "INT32": "INTEGER", "INT64": "BIGINT", "INT128": "a whole number",
          "HUGEINT": "a whole number", "FLOAT": "REAL", "DOUBLE": "DOUBLE PRECISION"}  # fmt: skip
_RESULTS = {"addition": "sum", "subtraction": "difference", "multiplication": "product", "negation": "negative",
            "division": "quotient"}  # fmt: skip


def _named(datatype: str) -> str:
    return _NAMES.get(datatype, "its type")


def _spelled(datatype: str) -> str:
    """What a text has to be for it to become a value of a type."""
    if datatype.startswith("BOOL"):
        return "is neither TRUE nor FALSE"
    if datatype.startswith(("TIME", "DATE")):
        return "is no time, such as 2016-01-01T00:00:00"
    return "is no whole number" if "INT" in datatype else "is no number"


_Sentence = str | Callable[[re.Match[str]], str]

_VALUES: tuple[tuple[str, _Sentence], ...] = (
    (r"Could not convert string '(.*?)' to (\w+)", lambda found: f"The text '{found[1]}' {_spelled(found[2])}"),
    (r'(?:invalid|out of range).{0,40}(?:timestamp|date|time)\b.*?"(.*?)"|'
     r'(?:timestamp|date|time) field (?:format|value).*?"(.*?)"',
     lambda found: f"The text '{found[1] or found[2] or ''}' is no time, such as 2016-01-01T00:00:00"),
    (r"with value (\S+) can't be cast.*?destination type (\w+)",
     lambda found: f"The value {found[1]} is beyond the range of {_named(found[2])}"),
    (r"Overflow in (addition|subtraction|multiplication|negation|division) of \w+ \((.*?)\)",
     lambda found: f"The {_RESULTS[found[1]]} {found[2]} is beyond the largest whole number; CAST a part of it to "
                   "DOUBLE PRECISION"),
    (r"[Oo]verflow in left shift|[Ll]eft-shift", "An order of HEALPix is 0 to 29, and a declination -90 to 90 degrees"),
    (r"[Oo]verflow|out of range for (?:type|INT|HUGE)|Value out of range",
     "A number is beyond the largest of its type; CAST it to DOUBLE PRECISION"),
    (r"[Dd]ivision by zero|divide by zero", "A number is divided by zero"),
    (r"cannot take logarithm of zero", "LOG or LOG10 is asked for zero"),
    (r"cannot take logarithm of", "LOG or LOG10 is asked for a negative number"),
    (r"cannot take square root of", "SQRT is asked for a negative number"),
    (r"(\w+) is undefined outside \[-1,\s?1\]",
     lambda found: f"{found[1].upper()} is asked for a number beyond -1 to 1"),
    (r"input value (\S+) is out of range for numeric function",
     lambda found: f"A function of angles or numbers is asked for {found[1]}"),
    (r"[Ll]ike pattern must not end", "A pattern of LIKE ends with a backslash, which escapes the next character"),
    (r"[Ss]ubstring (offset|length)", lambda found: f"The {found[1]} of a part of a text is beyond 4294967295"),
    (r"[Ii]nsufficient padding", "A text cannot be filled up with an empty one"),
    (r"^(missing |bad repetition|invalid (?:escape|perl|repetition|character|UTF|nested)|no argument for repetition|"
     r"unexpected \)|trailing \\)(.*)", lambda found: f"A text is no regular expression: {found[1]}{found[2]}"),
    (r"^array_\w+: .*NULL", "A coordinate of a region is NULL"),
    (r"Unimplemented type for cast", "A value is of a type that does not go where it stands"),
    (r"format specifier|time format", "TO_CHAR does not know this format"),
)  # fmt: skip
"""Patterns of DuckDB's sentences, and ours."""

_TYPES: tuple[tuple[str, str], ...] = (
    (r"GROUP BY clause", "A column is neither in GROUP BY nor in a function such as MAX"),
    (r"[Mm]ax expression depth|too deep", "The query is too deeply nested"),
    (r"ORDER term out of range", "ORDER BY asks for a column that the answer does not have"),
)


def told(kind: str, message: str, adql: str) -> AdqlError | AdqlValueError | None:
    """What a user is told of DuckDB's error; None for one that is no fault of the query, such as a file that is gone.

    Parameters
    ----------
    kind : the name of the error's class
    message : DuckDB's sentence
    adql : the query
    """
    if "parquet" in message.lower():  # a file is damaged
        return None
    if kind in OF_QUERY:
        known = (sentence for pattern, sentence in _TYPES if re.search(pattern, message))
        sentence = next(known, "A value of this query is of a type that does not go where it stands")
        return AdqlError(sentence, adql, len(adql) - len(adql.lstrip()), len(adql))
    if kind in OF_VALUES:
        return AdqlValueError(_of_value(message))
    return None


def _of_value(message: str) -> str:
    for pattern, sentence in _VALUES:
        if found := re.search(pattern, message, re.DOTALL):
            return (sentence if isinstance(sentence, str) else sentence(found)) + "."
    line = message.partition("\n")[0].strip()
    return "A function is asked for a value that it does not take." if FOREIGN.search(line) else line
