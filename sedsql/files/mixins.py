"""Make plain columns of astropy's SkyCoord, Time, TimeDelta and Quantity columns."""

import astropy.units as u
import numpy as np
from astropy.coordinates import ConvertError, SkyCoord
from astropy.table import Column, MaskedColumn, Table
from astropy.table.serialize import represent_mixins_as_columns
from astropy.time import Time, TimeDelta
from astropy.utils.masked import Masked
from numpy.typing import NDArray


def without_mixins(table: Table) -> Table:
    """Give a table of plain columns for formats that know no others.

    A SkyCoord becomes several columns, NAME.ra and NAME.dec of equatorial ones, in ICRS; a Time becomes dates and times
    of its own scale to the microsecond, a TimeDelta days, a Quantity a column with a unit.
    """
    if not has_mixins(table):
        return table
    plain = table.copy(copy_data=False)
    for name, column in list(table.columns.items()):
        if isinstance(column, SkyCoord):
            plain.replace_column(name, _equatorial(column))
        elif isinstance(column, TimeDelta):
            plain.replace_column(name, _masked(column.to_value("jd"), column, unit=u.d))
        elif isinstance(column, Time):
            plain.replace_column(name, _dates(column))
    return represent_mixins_as_columns(plain, exclude_classes=(Column, MaskedColumn))


def has_mixins(table: Table) -> bool:
    """Tell whether a table has other columns than plain ones."""
    return not all(isinstance(column, Column) for column in table.columns.values())


def with_positions(table: Table) -> Table:
    """Add columns NAME.ra and NAME.dec, in degrees, ICRS, for each SkyCoord, from which positions are read.

    The table that is given is left as it is.
    """
    places = {name: column for name, column in table.columns.items() if isinstance(column, SkyCoord)}
    if not places:
        return table
    more = table.copy(copy_data=False)
    for name, column in places.items():
        try:
            icrs = column.icrs
        except (ConvertError, AttributeError):  # such as AltAz without a place: astropy looks for that of None
            continue
        for axis, angle in (("ra", icrs.ra), ("dec", icrs.dec)):
            more[f"{name}.{axis}"] = Column(_filled(angle.deg), unit="deg")
    return more


def _equatorial(column: SkyCoord) -> SkyCoord:
    """Bring equatorial coordinates of another equinox to ICRS, since columns called ra and dec do not say theirs."""
    return column.icrs if "ra" in column.get_representation_component_names() else column


def _dates(time: Time) -> Column:
    """Make dates and times, or text where those of Python cannot hold them, such as leap seconds."""
    words = np.ma.filled(Time(time, format="isot", precision=6).value, "NaT")
    try:
        values: NDArray = words.astype("datetime64[us]")
    except ValueError:
        values = words
    return _masked(values, time, description=f"Time, scale {time.scale}")


def _masked(values: NDArray, column: Time, **about) -> Column:
    about = {"name": column.info.name, "description": column.info.description, **about}
    mask = np.broadcast_to(np.ma.getmaskarray(np.ma.asarray(values)) | column.mask, values.shape)
    values = np.ma.getdata(_filled(values))
    return MaskedColumn(values, mask=mask, **about) if mask.any() else Column(values, **about)


def _filled(values: NDArray) -> NDArray:
    """Make NaN of what astropy's masked numbers mask."""
    return np.where(values.mask, np.nan, values.unmasked) if isinstance(values, Masked) else values
