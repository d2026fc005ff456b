"""Say what a value of JSON has to be, and whether it is."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

LARGEST_FLOAT = 3.4e38


class Check(NamedTuple):
    """What a value has to be; `words` name it in an error."""

    words: str
    holds: Callable[[Any], bool]


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Tell whether it is a number that a float of C holds; whole ones are rounded first, as the C extension does."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(float(value)) <= LARGEST_FLOAT


def is_name(value: Any) -> bool:
    return isinstance(value, str) and value != "" and all(character >= " " for character in value)


def list_of(item: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(item, value))


def object_of(item: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(item, value.values()))


def is_positive(value: Any) -> bool:
    return is_number(value) and value > 0


def is_file(value: Any) -> bool:
    return is_name(value) and value not in (".", "..") and not set("/\\") & set(value)


TEXT = Check("text", lambda value: isinstance(value, str))
NAME = Check("a name", is_name)
LIST = Check("a list", lambda value: isinstance(value, list))
OBJECT = Check("an object", lambda value: isinstance(value, dict))
NUMBER = Check("a number", is_number)
POSITIVE = Check("a number above 0", is_positive)
COUNT = Check("a whole number from 0 on", lambda value: is_whole(value) and value >= 0)
NAMES = Check("names in quotes", list_of(is_name))
NUMBERS = Check("a list of numbers", list_of(is_number))
NAME_EACH = Check("an object of names", object_of(is_name))
TEXT_EACH = Check("an object of texts", object_of(TEXT.holds))
COUNT_EACH = Check("an object of whole numbers from 0 on", object_of(COUNT.holds))


def short(value: Any) -> str:
    """Write the beginning of a value as JSON."""
    return json.dumps(value)[:40]
