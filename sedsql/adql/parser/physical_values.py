"""Recognise and convert what astropy hands in as values: quantities, times and positions, without importing astropy."""

from __future__ import annotations

import math
import sys
from typing import Any


class UnfitError(ValueError):
    """A value cannot be handed in; the message is a sentence."""


def is_physical(value: Any) -> bool:
    """Tell whether what a value means depends on where it stands, or it is a position."""
    return is_quantity(value) or is_time(value) or is_position(value) or _is_duration(value)


def is_quantity(value: Any) -> bool:
    """Tell whether it is one of astropy's quantities, such as an angle."""
    return _is_one(value, "astropy.units", "Quantity")


def is_time(value: Any) -> bool:
    """Tell whether it is one of astropy's times."""
    return _is_one(value, "astropy.time", "Time")


def is_position(value: Any) -> bool:
    """Tell whether it is one of astropy's positions on the sky."""
    return _is_one(value, "astropy.coordinates", "SkyCoord") or _is_one(
        value, "astropy.coordinates", "BaseCoordinateFrame"
    )


def _is_duration(value: Any) -> bool:
    return _is_one(value, "astropy.time", "TimeDelta")


def _is_one(value: Any, module: str, name: str) -> bool:
    found = sys.modules.get(module)  # without it there are no such values
    kind = getattr(found, name, None)
    return kind is not None and isinstance(value, kind)


def checked(value: Any) -> Any:
    """Give back a physical value if it is a single one; a quantity without a unit is a number, a masked one is NULL."""
    if _is_duration(value):
        value = value.to("d")
    if is_quantity(value) and _has_no_unit(value):
        return value.to_value("")
    if value.shape:
        raise UnfitError(
            f"An array of {math.prod(value.shape)} values with units, times or positions is handed in for one value; "
            "upload a table of them, and join with it"
        )
    return None if is_quantity(value) and getattr(value, "mask", False) else value


def in_unit(quantity: Any, unit: str | None, what: str = "") -> float:
    """Convert a quantity to the unit of what it stands beside, called `what`.

    unit : None where it is not known; then magnitudes and pure numbers alone have a sense
    """
    units = sys.modules["astropy.units"]
    if unit is None:
        if quantity.unit == units.mag:
            return float(quantity.value)
        raise UnfitError(
            f"A value in {quantity.unit} is handed in where no unit is known; hand in its number in the unit that is "
            "meant, as quantity.to_value(unit) gives it"
        )
    to = units.Unit(unit, parse_strict="silent")
    if isinstance(quantity, units.FunctionQuantity) and to != quantity.unit:  # such as AB magnitudes, which are no Vega
        raise UnfitError(f"A value in {quantity.unit} is handed in, and {what} is in {unit}")
    try:
        return float(quantity.to_value(to))
    except units.UnitConversionError:
        raise UnfitError(f"A value in {quantity.unit} is handed in, and {what} is in {unit}") from None


def moment(time: Any) -> Any:
    """Convert a time to a date and time in UTC, as TIMESTAMPs of archives are."""
    try:
        return time.utc.to_datetime()
    except ValueError as error:  # a leap second
        raise UnfitError(f"The time {time} has no date and time of day in the database: {error}") from None


def degrees_of(position: Any) -> tuple[float, float]:
    """Right ascension and declination of a position, ICRS, in degrees."""
    try:
        icrs = position.transform_to(sys.modules["astropy.coordinates"].ICRS())
        return float(icrs.ra.deg), float(icrs.dec.deg)
    except Exception as error:  # astropy has exceptions of its own for frames that lack a place or a time
        raise UnfitError(f"A position is handed in that cannot be turned to ICRS: {error}") from None


def without_context(value: Any) -> Any:
    """Convert a physical value for a query in SQL, of whose columns no units are known."""
    if is_quantity(value):
        return in_unit(value, None)
    if is_time(value):
        return moment(value)
    if is_position(value):
        raise UnfitError("A position is handed in, and SQL has none; hand in its .icrs.ra.deg and .icrs.dec.deg")
    return value


def _has_no_unit(quantity: Any) -> bool:
    units = sys.modules["astropy.units"]
    is_plain = not isinstance(quantity, units.FunctionQuantity)
    return bool(is_plain and quantity.unit.is_equivalent(units.dimensionless_unscaled))
