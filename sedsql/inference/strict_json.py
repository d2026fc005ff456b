"""Read JSON strictly (RFC 8259): refuse what the C extension would read otherwise."""

import json
import re
from collections import Counter
from math import isfinite
from pathlib import Path
from typing import Any

LONGEST_NUMBER = 63
"""Characters of a number; the C extension's reader takes so many."""
_SURROGATE_OR_ZERO = re.compile("[\x00\ud800-\udfff]")


def read_bytes(file: Path, largest: int) -> bytes:
    """Read a file of at most so many bytes.

    Raises OSError where there is none, also for a pipe, which might never end; ValueError, half a sentence, for more.
    """
    if file.exists() and not file.is_file():
        raise OSError(f"{file} is no file")
    with file.open("rb") as opened:
        data = opened.read(largest + 1)
    if len(data) > largest:
        raise ValueError(f"has more than {largest >> 20} MB")
    return data


def parsed_object(data: bytes, deepest: int) -> dict[str, Any]:
    """Parse an object of JSON with at most so many lists and objects within each other.

    Raises ValueError, half a sentence that goes on from the file's name: what is wrong with it.
    """
    try:
        found = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_whole,
            parse_float=_number,
            parse_constant=_constant,
        )
    except RecursionError:
        raise ValueError(f"has lists and objects more than {deepest} deep") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("is not a JSON object, which begins with {")
    _check(found, deepest)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"has the key {twice[:40]!r} twice in an object")
    return found


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"has a number of {len(digits):,} digits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if len(digits) > LONGEST_NUMBER or not isfinite(value):
        raise ValueError(f"has the number {digits[:20]}, which is too large or too long")
    return value


def _constant(word: str) -> float:
    raise ValueError(f"has {word}, which is no number of JSON")


def _check(found: dict, deepest: int) -> None:
    """Look for text that is no Unicode or holds the character 0, and for what is too deep."""
    layer: list[Any] = [found]
    for _ in range(deepest):
        below: list[Any] = []
        for part in layer:
            for text in (*part, *part.values()) if isinstance(part, dict) else part:
                if isinstance(text, str) and _SURROGATE_OR_ZERO.search(text):
                    raise ValueError(f"has a text with half a character, or the character 0: {text[:40]!r}")
                if isinstance(text, dict | list):
                    below.append(text)
        layer = below
    if layer:
        raise ValueError(f"has lists and objects more than {deepest} deep")
