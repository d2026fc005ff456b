"""Convert what catalogues give for a band to Vega magnitudes: by the unit of the column and the band's zero point."""

from dataclasses import dataclass
from typing import Literal

import astropy.units as u
import numpy as np
from numpy.typing import NDArray

from sedsql.photometry.bands import AB_ZERO_POINT_JY

_VEGA = ("", "mag", "mags", "magnitude", "magnitudes")
_AB = ("ab", "magab", "abmag", "abmags", "magnitudeab", "abmagnitude")
_MAGGIES = {"mgy": 1.0, "maggy": 1.0, "maggies": 1.0, "nmgy": 1e-9, "nanomaggy": 1e-9, "nanomaggies": 1e-9}


@dataclass(frozen=True)
class Scale:
    """The scale of the numbers of a column.

    kind : Vega magnitudes, AB magnitudes, or a flux density
    factor : to whole magnitudes, or to Jy
    """

    kind: Literal["vega", "ab", "flux"]
    factor: float = 1.0

    def vega(self, numbers: NDArray[np.float64], zero_point_jy: float) -> NDArray[np.float64]:
        """Convert numbers to Vega magnitudes of a band, shape (n,); NaN where a flux is not above zero."""
        if self.kind == "vega":
            return numbers if self.factor == 1 else numbers * self.factor
        if self.kind == "ab":
            return numbers * self.factor - 2.5 * np.log10(AB_ZERO_POINT_JY / zero_point_jy)
        flux = np.where(numbers > 0, numbers, np.nan)
        return -2.5 * np.log10(flux * (self.factor / zero_point_jy))


def scale_of(unit: str) -> Scale | None:
    """The scale of a unit as catalogues write it; None for one that no zero point makes a magnitude.

    A column without a unit has Vega magnitudes, as the surveys publish them.
    """
    letters = "".join(letter for letter in unit.lower() if letter.isalpha())
    if (letters in _VEGA and not any(mark in unit for mark in "/*^%")) or letters in ("vegamag", "magvega", "vega"):
        return Scale("vega")
    if letters == "mmag":
        return Scale("vega", 1e-3)
    if letters in _AB:
        return Scale("ab")
    if letters in _MAGGIES:
        return Scale("flux", _MAGGIES[letters] * AB_ZERO_POINT_JY)
    known = u.Unit(unit, parse_strict="silent")
    if isinstance(known, u.UnrecognizedUnit) or not isinstance(known, u.UnitBase) or not known.is_equivalent(u.Jy):
        return None
    return Scale("flux", float(known.to(u.Jy)))
