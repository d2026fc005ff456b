"""Where sources are: a map of HEALPix cells, with the outline of a region and sources of chosen classes on it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.units import deg
from cdshealpix.nested import lonlat_to_healpix, vertices
from numpy.typing import NDArray

from . import rows as sources
from .style import PlotError, finished, imported, looks, style

if TYPE_CHECKING:
    from astropy.wcs import WCS
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

MOST_ORDER = 13
_IN_A_CELL = 4
"""Sources of a cell on average: with fewer, cells differ by chance, with more there are few cells to see."""
_MOST_CELLS = 60_000
_WIDE_DEG = 60.0
"""What reaches further from its middle is drawn on the whole sky."""
_HALF_PIXELS = 200
_HALF_WIDTH = np.degrees(2 * np.sqrt(2))
"""Of Mollweide's ellipse, in pixels of a degree; `_HALF_PIXELS` of what is smaller."""


def sky(
    rows: sources.Rows, *, region: Any = None, classes: Sequence[str] | None = None, order: int | None = None
) -> "Figure":
    """Draw how many sources there are on the sky, in HEALPix cells.

    Parameters
    ----------
    rows : sources with `ra` and `dec` in degrees, ICRS, as `sed` takes them, any number
    region : its outline is drawn: a `mocpy.MOC`, or STC-S such as 'CIRCLE ICRS 83.8 -5.4 1' (TAP 1.0, Section 6)
    classes : of the column `class`, whose sources are drawn as points
    order : HEALPix order of the cells, 0 to 13; chosen so that a cell has some sources unless told

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlotError
        Without rows or positions, for a region that is none, and where matplotlib or mocpy is not installed.

    Examples
    --------
    >>> import sedsql
    >>> con = sedsql.connect("sky")
    >>> rows = con.execute("SELECT s.ra, s.dec, sed_class(s) AS class FROM sed.photometry AS s")
    >>> figure = sedsql.plot.sky(rows, classes=["yso"])
    >>> [text.get_text().partition(" ")[0] for text in figure.axes[0].get_legend().get_texts()]
    ['yso']
    >>> con.close()
    """
    table = sources.table_of(rows)
    ra, dec = sources.column(table, "ra"), sources.column(table, "dec")
    there = np.isfinite(ra) & np.isfinite(dec)
    if not there.any():
        raise PlotError("No source has a position.")
    if order is not None and not 0 <= order <= MOST_ORDER:
        raise PlotError(f"order is from 0 to {MOST_ORDER}, not {order}.")
    labels = _labels(table, classes)
    outline = None if region is None else _moc(region)
    from astropy.visualization.wcsaxes.frame import EllipticalFrame, RectangularFrame

    with style() as plt:
        wcs, is_whole = _projection(ra[there], dec[there])
        figure = plt.figure(figsize=(7.2, 3.9) if is_whole else (5.8, 4.8))
        axes = figure.add_subplot(projection=wcs, frame_class=EllipticalFrame if is_whole else RectangularFrame)
        cells = _cells(axes, wcs, ra[there], dec[there], order, is_whole)
        figure.colorbar(cells, ax=axes, label="sources per square degree", shrink=0.75 if is_whole else 0.9)
        if outline is not None:
            limits = axes.get_xlim(), axes.get_ylim()
            outline.border(ax=axes, wcs=wcs, color="black", linewidth=1)
            axes.set(xlim=limits[0], ylim=limits[1])  # it has set others
        for name, (colour, mark) in looks(classes or ()).items():
            of_class = there & (labels == name)
            axes.scatter(
                *wcs.world_to_pixel_values(ra[of_class], dec[of_class]), s=30, color=colour, marker=mark,
                linewidths=0.4, edgecolors="white", rasterized=True, label=f"{name} ({of_class.sum():,})", zorder=3,
            )  # fmt: skip
        if classes:
            axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4, markerscale=1.6)
        axes.set_aspect("equal")
        axes.grid(color="0.6", linewidth=0.4)
        _label(axes, is_whole)
    return finished(figure)


def _label(axes: Any, is_whole: bool) -> None:
    ra, dec = axes.coords
    dec.set_axislabel("declination (ICRS)")
    if not is_whole:
        ra.set_axislabel("right ascension (ICRS)")
        return
    # Right ascensions stand on the equator, in the map.
    from matplotlib.patheffects import withStroke

    axes.set_title("ICRS, right ascension grows to the left")
    ra.set_axislabel("")
    ra.set_major_formatter("d")
    ra.set_ticks(np.arange(0, 360, 60) * deg)
    ra.set_ticklabel(path_effects=[withStroke(linewidth=2, foreground="white")])
    dec.set_major_formatter("d")
    dec.set_ticks(np.arange(-60, 61, 30) * deg)


def _labels(table, classes: Sequence[str] | None) -> NDArray[np.str_]:
    labels = sources.classes(table)
    if classes and labels is None:
        raise PlotError(f"The rows have no column {' or '.join(sources.CLASS_COLUMNS)} to choose classes by.")
    return np.full(len(table), "") if labels is None else labels


def _moc(region: Any) -> Any:
    MOC = imported("mocpy").MOC
    if isinstance(region, MOC):
        return region
    try:
        return MOC.from_stcs(str(region), max_depth=12)
    except Exception as error:  # a panic of its parser has a type of its own
        raise PlotError(f"{region!r} is no region; 'CIRCLE ICRS 83.8 -5.4 1' is one.") from error


def _projection(ra: Array, dec: Array) -> tuple["WCS", bool]:
    """Gnomonic about the middle of the sources, or Mollweide's of the whole sky."""
    from astropy.wcs import WCS

    lon, lat = np.radians(ra), np.radians(dec)
    vectors = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    middle = vectors.mean(axis=0)
    length = np.linalg.norm(middle)
    reach = 180.0 if length < 1e-3 else np.degrees(np.arccos(np.clip(vectors @ (middle / length), -1, 1))).max()
    wcs = WCS(naxis=2)
    is_whole = bool(reach > _WIDE_DEG)
    if is_whole:
        wcs.wcs.ctype = ["RA---MOL", "DEC--MOL"]
        wcs.wcs.crval = [0.0, 0.0]
        wcs.wcs.cdelt = [-1.0, 1.0]
    else:
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = [np.degrees(np.arctan2(middle[1], middle[0])) % 360, np.degrees(np.arcsin(middle[2] / length))]
        step = max(reach, 1e-3) / _HALF_PIXELS
        wcs.wcs.cdelt = [-step, step]
    wcs.wcs.cunit = ["deg", "deg"]
    # mocpy takes the picture to reach from 0 to twice this, and cuts an outline off there.
    wcs.wcs.crpix = [_HALF_WIDTH + 1] * 2 if is_whole else [_HALF_PIXELS * 1.2] * 2
    return wcs, is_whole


def _cells(axes: "Axes", wcs: "WCS", ra: Array, dec: Array, order: int | None, is_whole: bool) -> Any:
    """The cells that have sources, coloured by how many; gives what a colour bar is made of."""
    from astropy.coordinates import Latitude, Longitude
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import LogNorm

    finest = lonlat_to_healpix(Longitude(ra, "deg"), Latitude(dec, "deg"), MOST_ORDER)
    for depth in range(MOST_ORDER, -1, -1) if order is None else [order]:
        cells, counts = np.unique(finest >> np.uint64(2 * (MOST_ORDER - depth)), return_counts=True)
        if len(cells) <= _MOST_CELLS and len(ra) >= _IN_A_CELL * len(cells):
            break
    # A cell's sides are curves on the whole sky, and straight where cells are small.
    corners = vertices(cells, depth, step=4 if depth < 5 else 1)
    x, y = wcs.world_to_pixel_values(corners[0].deg, corners[1].deg)
    if is_whole:
        kept = np.ptp(x, axis=1) < 90  # a cell on the edge would be drawn across the sky
        x, y, counts = x[kept], y[kept], counts[kept]
    area = 4 * np.pi * np.degrees(1) ** 2 / (12 * 4**depth)
    density = counts / area
    drawn = PolyCollection(
        list(np.stack([x, y], axis=2)), array=density, cmap="Greys", edgecolors="face", linewidths=0.2, rasterized=True,
        norm=LogNorm(density.min() / 2, max(density.max(), density.min() * 2)), zorder=0.1,
    )  # fmt: skip
    axes.add_collection(drawn)
    if is_whole:
        axes.set_xlim(0, 2 * _HALF_WIDTH)
        axes.set_ylim(_HALF_WIDTH / 2, 3 * _HALF_WIDTH / 2)
    else:
        margin = 0.04 * max(np.ptp(x), np.ptp(y))
        axes.set_xlim(x.min() - margin, x.max() + margin)
        axes.set_ylim(y.min() - margin, y.max() + margin)
    return drawn
