"""Find the place on the sky that a text means, with what sedsql knows itself: no other host is asked."""

from __future__ import annotations

from sedsql.errors import Error, did_you_mean
from sedsql.mirror.named_regions import REGIONS, find_region
from sedsql.mirror.region_text import parse, position_of
from sedsql.service.errors import ServiceError

_MOST = 3
"""Names that are proposed."""
_OTHERS = "Else write a position, 'RA DEC' in degrees or sexagesimal, and a radius after a comma"


def region_of(text: str) -> dict[str, float]:
    """A position, or a circle. ServiceError where the text means none."""
    try:
        if (position := position_of(text.strip())) is not None:
            return dict(zip(("ra", "dec"), position, strict=True))
        name = text.partition(",")[0].strip()
        if not any(letter.isdigit() for letter in name[:1]) and "(" not in name and find_region(name) is None:
            raise ServiceError(f"No region is called {name!r}; {_hint(name)}. {_OTHERS}.", 404)
        region = parse(text)
    except Error as fault:
        raise ServiceError(str(fault).rstrip(".").partition("; --resolve")[0] + ".", 404) from None
    if region.shape != "CIRCLE":
        raise ServiceError(f"A {region.shape} is no region here. {_OTHERS}.", 404)
    return dict(zip(("ra", "dec", "radius"), region.numbers, strict=True))


def _hint(name: str) -> str:
    """Names that have what was written as a part, such as Orion; else those that look alike."""
    known = [one for region in REGIONS for one in (region.name, *region.others)]
    if name and (parts := [one for one in known if name.lower() in one.lower()][:_MOST]):
        return f"did you mean {' or '.join(parts)}"
    return did_you_mean(name, [region.name for region in REGIONS], "those with a name are").rstrip("?")
