"""Read how a user writes a region: a shape of ADQL, a name, or a position with a radius."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sedsql.errors import Error, did_you_mean
from sedsql.mirror.named_regions import REGIONS, find_region

_SHAPES = {
    "CIRCLE": "CIRCLE(ra, dec, radius)",
    "BOX": "BOX(ra, dec, width, height)",
    "POLYGON": "POLYGON(ra, dec, ...)",
}

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")
_SEXAGESIMAL = re.compile(r"\s*([+-]?\d+(?:[:hdHD°]\s*|\s+)\d+(?:[:m'′]\s*|\s+)\d+(?:\.\d*)?[s\"″]?)\s*")
_RADIUS = re.compile(r"(\d+\.?\d*|\.\d+)\s*(deg|d|°|arcmin|'|′|arcsec|\"|″)?")
_IN_A_DEGREE = {"arcmin": 60, "'": 60, "′": 60, "arcsec": 3600, '"': 3600, "″": 3600}


@dataclass(frozen=True)
class Region:
    """A region: a key of _SHAPES, and its numbers in the order of ADQL's function, in degrees, ICRS."""

    shape: str
    numbers: tuple[float, ...]


def parse(text: str) -> Region:
    """Read a region. Raises Error where the text is none, and says where."""

    def wrong(what: str, place: int) -> Error:
        *most, last = _SHAPES.values()
        return Error(
            f"The region {text!r} goes wrong at column {place + 1}: {what}. "
            f"A region is {', '.join(most)} or {last}, in degrees"
        )

    match = re.match(r"\s*(\w+)\s*\(", text)
    if not match and text.strip():
        return _circle(text)
    if not match:
        raise wrong("a shape and a bracket are expected", 0)
    shape = match[1].upper()
    if shape not in _SHAPES:
        raise wrong(f"{match[1]!r} is no shape", 0)
    place = match.end()
    if frame := re.compile(r"\s*'(\w*)'\s*,").match(text, place):
        if frame[1].upper() not in ("", "ICRS"):
            raise wrong(f"the frame is ICRS, not {frame[1]}", frame.start(1))
        place = frame.end()
    numbers, place = _numbers(text, place, shape, wrong)
    if text[place : place + 1] != ")":
        raise wrong("a comma or the closing bracket is expected", place)
    if rest := text[place + 1 :].strip():
        raise wrong(f"nothing is expected after the bracket, but there is {rest!r}", text.rindex(rest))
    if what := _miscounted(shape, numbers):
        raise wrong(what, place)
    return Region(shape, tuple(numbers))


def _numbers(text: str, place: int, shape: str, wrong: Callable[[str, int], Error]) -> tuple[list[float], int]:
    """The numbers from a place on, with commas between, and the place after them."""
    numbers: list[float] = []
    while True:
        number = _SEXAGESIMAL.match(text, place) or _NUMBER.match(text, place)
        if not number:
            raise wrong("a number is expected", place)
        is_dec = len(numbers) == 1 or (shape == "POLYGON" and len(numbers) % 2 == 1)
        is_place = len(numbers) < 2 or shape == "POLYGON"
        numbers.append(_angle(number[1], "dec" if is_dec or not is_place else "ra"))
        if is_dec and abs(numbers[-1]) > 90:
            raise wrong("a declination lies between -90 and 90", number.start(1))
        place = number.end()
        if text[place : place + 1] != ",":
            return numbers, place
        place += 1


def _angle(text: str, what: str) -> float:
    from sedsql.files.positions import degrees

    return degrees(text, what, "The region has")


def _circle(text: str) -> Region:
    """Read `NAME`, `NAME, RADIUS` or `RA DEC, RADIUS`."""
    what, comma, size = text.rpartition(",")
    what, size = (what, size.strip()) if comma else (text, "")
    what = what.strip()
    radius = None
    if size:
        number = _RADIUS.fullmatch(size)
        if not number or float(number[1]) <= 0:
            raise Error(f"The region {text!r} ends in {size!r}, which is no radius in degrees; 'Pleiades, 2' has one")
        radius = float(number[1]) / _IN_A_DEGREE.get(number[2], 1)
    if (position := position_of(what)) is not None:
        if radius is None:
            raise Error(f"The position {what!r} needs a radius in degrees after a comma: '{what}, 1'")
        return Region("CIRCLE", (*position, radius))
    if (named := find_region(what)) is None:
        known = [region.name for region in REGIONS]
        *most, last = _SHAPES.values()
        hint = did_you_mean(what, known, "those with a name are")
        raise Error(
            f"No region is called {what!r}; {hint}{'' if hint.endswith('?') else '.'} Others are "
            f"{', '.join(most)}, {last}, 'RA DEC, RADIUS' in degrees or sexagesimal, and files of MOCs; --resolve asks "
            "Sesame for a name"
        )
    return Region("CIRCLE", (named.ra, named.dec, radius or named.radius))


def position_of(text: str) -> tuple[float, float] | None:
    """Read a right ascension and a declination, with blanks or a comma between; None for a name."""
    number = r"[+-]?\d+(?:\.\d*)?"
    plain = re.fullmatch(rf"({number})[\s,]+({number})", text)
    sexagesimal = re.fullmatch(rf"{_SEXAGESIMAL.pattern},?{_SEXAGESIMAL.pattern}", text)
    found = sexagesimal or plain
    if not found:
        return None
    ra, dec = _angle(found[1], "ra"), _angle(found[2], "dec")
    if abs(dec) > 90:
        raise Error(f"The region has the declination {found[2]}; it lies between -90 and 90 degrees")
    return ra, dec


def _miscounted(shape: str, numbers: list[float]) -> str | None:
    """Say what is wrong with the numbers of a shape; None if nothing is."""
    count, needed = len(numbers), {"CIRCLE": 3, "BOX": 4}.get(shape)
    if needed and count != needed:
        return f"{shape} has {needed} numbers, not {count}"
    if not needed and (count < 6 or count % 2):
        return f"POLYGON has three or more pairs of numbers, not {count} numbers"
    if needed and min(numbers[2:]) <= 0:
        return "a size is greater than 0"
    return None
