"""Find the columns of a table by the names that catalogues give to magnitudes, parallaxes and positions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sedsql.photometry.bands import BANDS


@dataclass(frozen=True)
class Further:
    """What a model may take besides magnitudes.

    Attributes
    ----------
    column : the archive's name of the column
    unit : of the numbers; a column that says another is converted
    synonyms : names of the same in VizieR's and others' catalogues, those that are degrees for certain first
    """

    column: str
    unit: str
    synonyms: tuple[str, ...]


FURTHER: tuple[Further, ...] = (
    Further("parallax", "mas", ("Plx", "sy_plx")),
    Further("parallax_error", "mas", ("e_Plx", "sy_plxerr1")),
    Further("ra", "deg", ("RA_ICRS", "_RAJ2000", "_RA", "_RA_icrs", "RAdeg", "RAJ2000", "ra_deg", "ra_j2000")),
    Further("dec", "deg", ("DE_ICRS", "_DEJ2000", "_DE", "_DE_icrs", "DEdeg", "DEJ2000", "dec_deg", "dec_j2000")),
)
"""In the order in which models take it. Positions are ICRS, or J2000, which is the same to 0.02 arcsec."""

NAMES: dict[str, tuple[str, ...]] = {
    **{one.column: (one.column, *one.synonyms) for one in BANDS},
    **{one.column: (one.column, *one.synonyms) for one in FURTHER},
}
"""By the archive's name of a band or of FURTHER: all its names, the most certain first."""

_JOINED = r"_(left|right|x|y|[12]|(?:gaia|gdr|dr[23]|edr3|2mass|tmass|twomass|psc|allwise|wise|catwise|tic|tess)\w*)"
"""What LSDB, pandas and TOPCAT add to the names of columns when they join tables."""

_ERRORS = ("error", "err", "sigma", "unc", "snr")

_SHOWN = 3
"""Names of one thing that a message lists."""

_NAMES_SHOWN = 40


def find_column(names: Sequence[str], candidates: Sequence[str]) -> str | None:
    """The first of the candidates that a table has, as it is written or in upper or lower case."""
    folded = {name.strip().lower(): name for name in reversed(names)}
    exact = (name for name in candidates if name in names)
    return next(exact, None) or next((folded[n.lower()] for n in candidates if n.lower() in folded), None)


def columns_of(names: Sequence[str], wanted: str) -> list[str]:
    """All columns of a table that could be a band or one of FURTHER, the most certain first.

    Names are those of NAMES, in upper or lower case, then the same with what a join adds to them.
    """
    found: dict[str, None] = {}
    for candidate in NAMES[wanted]:
        same = [name for name in names if name.strip().lower() == candidate.lower()]
        found.update(dict.fromkeys(sorted(same, key=lambda name: name != candidate)))
    for candidate in NAMES[wanted]:
        joined = re.compile(re.escape(candidate) + _JOINED, re.IGNORECASE)
        found.update(dict.fromkeys(name for name in names if _is_joined(joined.fullmatch(name.strip()))))
    if wanted in ("ra", "dec"):  # as astropy writes a SkyCoord where a format has none
        found.update(dict.fromkeys(name for name in names if name.lower().endswith(f".{wanted}")))
    return [name for name in found if not is_another_g(names, name)]


def _is_joined(match: re.Match | None) -> bool:
    return match is not None and not match[1].lower().endswith(_ERRORS)


def is_another_g(names: Sequence[str], name: str) -> bool:
    """Tell whether a column called `gmag` is the g of SDSS or Pan-STARRS: their r or i stands beside it."""
    if name not in ("gmag", "g_mag"):
        return False
    folded = {one.strip().lower() for one in names}
    beside = {name.replace("g", letter, 1) for letter in "ri"}
    return bool(folded & beside) and not folded & {"bpmag", "bp_mag"}


def would_do(wanted: str) -> str:
    """A band or one of FURTHER with its other names, for messages."""
    return f"{wanted} ({' or '.join(NAMES[wanted][1 : 1 + _SHOWN])} would do)"


def near_names(names: Sequence[str], wanted: str) -> list[str]:
    """Columns whose names are like those of a band or of one of FURTHER, for messages."""
    folded = {name.strip().lower(): name for name in names}
    near = [match for one in NAMES[wanted] for match in get_close_matches(one.lower(), folded, 1, 0.8)]
    return list(dict.fromkeys(folded[name] for name in near))[:_SHOWN]


def listed(names: Sequence[str]) -> str:
    """The columns of a table, or the first of them, for messages."""
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return f"it has {', '.join(names[:_NAMES_SHOWN])}{more}"
