"""Ask CDS's Sesame where a name is on the sky: only when a user says so."""

from sedsql.errors import Error
from sedsql.mirror.named_regions import find_region
from sedsql.mirror.region_text import parse, position_of
from sedsql.mirror.regions import moc_file


def resolve(text: str) -> str:
    """Replace `NAME, RADIUS` by a circle around what Sesame knows by that name; any other region stays.

    Raises Error where Sesame does not know it, or cannot be asked.
    """
    name, _, radius = (part.strip() for part in text.rpartition(","))
    what = name or radius
    if "(" in text or moc_file(text) or find_region(what) is not None or position_of(what) is not None:
        return text
    if not name:
        raise Error(f"Sesame knows positions and no sizes; give a radius in degrees after a comma: '{radius}, 1'")
    from astropy.coordinates.name_resolve import NameResolveError, get_icrs_coordinates

    try:
        found = get_icrs_coordinates(name)
    except NameResolveError as error:
        raise Error(f"Sesame was asked where {name!r} is: {' '.join(str(error).split())}") from None
    return "CIRCLE({}, {}, {})".format(*parse(f"{found.ra.deg:.7f} {found.dec.deg:+.7f}, {radius}").numbers)
