"""Lead from a position to what others know of it: plain links, which nothing follows before a person does."""

from __future__ import annotations

from collections.abc import Mapping

_RADIUS_ARCSEC = 5
_FIELD_DEG = 0.05

_PLACES: Mapping[str, str] = {
    "SIMBAD": "https://simbad.cds.unistra.fr/simbad/sim-coo?Coord={ra}%20{dec}&CooFrame=ICRS&Radius={radius}"
    "&Radius.unit=arcsec",
    "VizieR": "https://vizier.cds.unistra.fr/viz-bin/VizieR-4?-c={ra}%20{dec}&-c.rs={radius}&-out.add=_r&-sort=_r",
    "ESASky": "https://sky.esa.int/?target={ra}%20{dec}&fov={field}&cooframe=J2000&sci=true",
}


def links(ra: float | None, dec: float | None) -> list[dict[str, str]]:
    """Names and URLs of pages about a position (ICRS, degrees); none without a position.

    >>> links(83.8221, -5.3911)[2]["url"]
    'https://sky.esa.int/?target=83.8221000%20-5.3911000&fov=0.05&cooframe=J2000&sci=true'
    """
    if ra is None or dec is None or abs(dec) > 90:
        return []
    place = {"ra": f"{ra % 360:.7f}", "dec": f"{dec:.7f}"}
    return [
        {"name": name, "url": url.format(**place, radius=_RADIUS_ARCSEC, field=_FIELD_DEG)}
        for name, url in _PLACES.items()
    ]
