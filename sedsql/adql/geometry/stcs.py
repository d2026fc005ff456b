"""Parse the regions of STC-S (IVOA Note, 2009, version 1.33) that REGION('...') takes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

WORD = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[()])")
FRAMES = {"ICRS", "FK5", "FK4", "J2000", "B1950", "ECLIPTIC", "GALACTIC", "UNKNOWN", "UNKNOWNFRAME"}
ORIGINS = {"GEOCENTER", "BARYCENTER", "HELIOCENTER", "LSR", "TOPOCENTER", "RELOCATABLE", "UNKNOWNREFPOS"}
FLAVOURS = {"SPHERICAL2", "CARTESIAN2", "CARTESIAN3"}
SIZES = {"POSITION": 2, "CIRCLE": 3, "BOX": 4, "POLYGON": 6}
COMPOUNDS = {"UNION", "INTERSECTION", "NOT"}


@dataclass(frozen=True, slots=True)
class Region:
    """A word such as CIRCLE or UNION, and its numbers or its parts."""

    word: str
    numbers: tuple[float, ...] = ()
    parts: tuple[Region, ...] = ()


def parse(text: str) -> Region | None:
    """Parse a region; None for a text that is none.

    Frames are read and not turned: as in POINT('GALACTIC', ...), numbers are taken as they are.
    """
    words: list[str] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        found = WORD.match(text, place)
        if not found or len(words) > 10_000:
            return None
        words.append(found[1].upper())
        place = found.end()
    try:
        region = _region(words, 0)
    except (IndexError, ValueError):
        return None
    return region if not words else None


def is_system(text: str) -> bool:
    """Whether a text is a coordinate system: a frame, an origin and a flavour, each of which may be left out."""
    words = text.upper().split()
    for preamble in (FRAMES, ORIGINS, FLAVOURS):
        if words and words[0] in preamble:
            words.pop(0)
    return not words


def _region(words: list[str], depth: int) -> Region:
    """Take one region from the front of the words."""
    word = words.pop(0)
    if (word not in SIZES and word not in COMPOUNDS) or depth > 10:
        raise ValueError(word)
    for preamble in (FRAMES, ORIGINS, FLAVOURS):
        if words[0] in preamble:
            words.pop(0)
    if word in COMPOUNDS:
        if words.pop(0) != "(":
            raise ValueError(word)
        parts = []
        while words[0] != ")":
            parts.append(_region(words, depth + 1))
        words.pop(0)
        if not parts or (word == "NOT" and len(parts) > 1):
            raise ValueError(word)
        return Region(word, parts=tuple(parts))
    numbers = []
    while words and words[0] not in "()" and not words[0][0].isalpha():
        numbers.append(float(words.pop(0)))
        if not math.isfinite(numbers[-1]):
            raise ValueError(numbers[-1])
    size = SIZES[word]
    if len(numbers) < size or (len(numbers) % 2 if word == "POLYGON" else len(numbers) != size):
        raise ValueError(word)
    return Region(word, tuple(numbers))
