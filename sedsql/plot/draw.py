"""Choose a picture for an answer by its columns, and draw it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sedsql.photometry.bands import BANDS, Band
from sedsql.plot import rows as sources
from sedsql.plot.diagrams import colour_colour, hertzsprung_russell
from sedsql.plot.seds import MOST, sed
from sedsql.plot.skymap import sky
from sedsql.plot.style import PlotError

if TYPE_CHECKING:
    from astropy.table import Table
    from matplotlib.figure import Figure

KINDS: dict[str, Callable[[sources.Rows], "Figure"]] = {
    "sed": sed,
    "hr": hertzsprung_russell,
    "colours": colour_colour,
    "sky": sky,
}
"""The functions by the words for `--plot`."""

_NEEDS = {
    "hr": ("phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag", "parallax"),
    "colours": ("j_m", "h_m", "ks_m"),
    "sky": ("ra", "dec"),
}


def draw(rows: sources.Rows, kind: str | None = None) -> "Figure":
    """Draw an answer.

    Parameters
    ----------
    rows : sources, as `sed` takes them
    kind : 'sed', 'hr', 'colours' or 'sky', drawn by `sed`, `hertzsprung_russell`, `colour_colour` or `sky` with their
        defaults. None chooses SEDs for up to 12 sources, and otherwise the first kind for which there are columns.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlotError
        If there is no such kind, or none that suits the rows.

    Examples
    --------
    >>> import sedsql
    >>> con = sedsql.connect("sky")
    >>> sedsql.plot.draw(con.execute("SELECT TOP 6 * FROM sed.photometry ORDER BY phot_g_mean_mag")).get_supxlabel()
    'wavelength [µm]'
    >>> con.close()
    """
    table = sources.table_of(rows)
    kind = kind or _kind(table)
    if kind not in KINDS:
        raise PlotError(f"There is no plot {kind!r}; there are {', '.join(KINDS)}.")
    return KINDS[kind](table)


def _kind(table: "Table") -> str:
    if len(table) <= MOST and sum(_has(table, band) for band in BANDS) > 2:
        return "sed"
    bands = {band.column: band for band in BANDS}
    for kind, columns in _NEEDS.items():
        if all(_has(table, bands[c]) if c in bands else sources.find(table, (c,)) for c in columns):
            return kind
    wanted = "; ".join(f"{kind}: {', '.join(columns)}" for kind, columns in _NEEDS.items())
    raise PlotError(f"No picture suits the columns {', '.join(table.colnames)}. It would take: {wanted}.")


def _has(table: "Table", band: Band) -> bool:
    return sources.find(table, (band.column, *band.synonyms)) is not None
