"""Read right ascensions and declinations that are written as text, such as 05 35 17.3."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_SHAPE = (
    r"^(?P<sign>[+−-]?)\s*(?P<whole>\d{1,3})(?P<mark>\s*[:hd°]\s*|\s+)(?P<minutes>\d{1,2}(?:\.\d*)?)"
    r"(?:(?:\s*[:m'′]\s*|\s+)(?P<seconds>\d{1,2}(?:\.\d*)?)\s*[s\"″]?|\s*[m'′])?$"
)

HOURS = ("h:m:s", "hms", "hour", "hours", "hourangle", "h", "hh:mm:ss")
"""Units of right ascension, besides those of angles that astropy knows."""
_DEGREES = ("d:m:s", "dms", "deg", "degree", "dd:mm:ss")


def is_sexagesimal(text: pa.Array) -> bool:
    """Tell whether the first value of an Arrow array of text is written so."""
    there = text.drop_null()
    return len(there) > 0 and bool(pc.match_substring_regex(there[:1], _SHAPE)[0].as_py())


def degrees(text: pa.Array, *, is_ra: bool, unit: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Parse text to degrees, shape (n,), NaN where it is null or no such text; and tell where it is none.

    Right ascension is in hours, unless the unit or a mark such as `d` says degrees.
    """
    parts = pc.extract_regex(text, _SHAPE)
    fields = {name: pc.struct_field(parts, name) for name in ("sign", "whole", "mark", "minutes", "seconds")}
    whole, minutes, seconds = (_number(fields[name]) for name in ("whole", "minutes", "seconds"))
    minus = pc.is_in(fields["sign"], pa.array(["-", "−"])).to_numpy(zero_copy_only=False)
    there = text.is_valid().to_numpy(zero_copy_only=False)
    in_hours = np.full(len(text), is_ra and unit.lower().strip("\"'") not in _DEGREES)
    marked = pc.match_substring_regex(fields["mark"], "[d°]").fill_null(False).to_numpy(zero_copy_only=False)
    in_hours &= ~marked
    value = np.where(minus, -1, 1) * (whole + minutes / 60 + seconds / 3600)
    wrong = there & ~((minutes < 60) & (seconds < 60) & (~in_hours | (whole < 24)) & (whole <= 360))
    return np.where(wrong, np.nan, np.where(in_hours, 15 * value, value)), wrong


def _number(text: pa.Array) -> NDArray[np.float64]:
    """Numbers of matched digits; NaN for null, and zero for the seconds that are not written."""
    text = pc.if_else(pc.equal(text, ""), pa.scalar("0"), text)
    return pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False)
