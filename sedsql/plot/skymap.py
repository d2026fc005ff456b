"""Draw a map of sources in HEALPix cells, with the outline of a region and sources of chosen classes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.units import deg
from numpy.typing import NDArray

from sedsql.errors import Error, did_you_mean
from sedsql.mirror.region_text import parse
from sedsql.mirror.regions import load_moc, moc_file
from sedsql.photometry.looks import CLASSES, looks
from sedsql.plot import rows as sources
from sedsql.plot import sky_cells
from sedsql.plot.sky_cells import HALF_WIDTH, MOST_ORDER
from sedsql.plot.style import PlotError, imported, shown_once, style

if TYPE_CHECKING:
    from astropy.wcs import WCS
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

_FEW = 1_000
"""Fewer sources on a map are dots: cells so large that each has some of them would not show where they are."""
_WIDE_DEG = 60.0
"""Sources that reach further from their middle are drawn on the whole sky."""
_LEAST_DEG = 0.02
"""Half the width of a map of one source."""
_HALF_PIXELS = 200
_MARGIN = 0.04
_HALF_FRAME = (1 + _MARGIN) * _HALF_PIXELS


def sky(
    rows: sources.Rows, *, region: Any = None, classes: str | Sequence[str] | None = None, order: int | None = None
) -> "Figure":
    """Draw the number of sources on the sky in HEALPix cells; fewer than 1,000 on the map are drawn as dots.

    Parameters
    ----------
    rows : sources with `ra` and `dec` in degrees, ICRS, as `sed` takes them, any number
    region : a region that the map shows, with its outline: a `mocpy.MOC` or a file with one, STC-S such as
        'CIRCLE ICRS 83.8 -5.4 1' (TAP 1.0, Section 6), or what `sedsql mirror sed --region` takes, such as 'Pleiades';
        without it the map shows all sources
    classes : the class or classes of the column `class` whose sources to draw as points; the legend has their number on
        the map
    order : HEALPix order of the cells, 0 to 13, for few sources too; None chooses one with some sources in each cell

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlotError
        Without rows or positions, for an invalid region or a class that no model has, and if matplotlib or mocpy is not
        installed.

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
    classes = [classes] if isinstance(classes, str) else classes
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
        middle, reach = _extent(ra[there], dec[there]) if outline is None else _extent_of(outline)
        wcs, is_whole = _projection(middle, reach)
        shown = there & _in_frame(wcs, ra, dec) if outline is not None and not is_whole else there
        if not shown.any():
            raise PlotError("No source lies in the region or near it.")
        figure = plt.figure(figsize=(7.2, 3.9) if is_whole else (5.8, 4.8))
        axes = figure.add_subplot(projection=wcs, frame_class=EllipticalFrame if is_whole else RectangularFrame)
        if order is None and shown.sum() < _FEW:
            x, y = wcs.world_to_pixel_values(ra[shown], dec[shown])
            axes.scatter(x, y, s=8, color="0.55", linewidths=0, rasterized=True, zorder=2)
            words = f"{shown.sum():,} source{'s' * int(shown.sum() != 1)}"
            figure.suptitle(words, fontsize=9, x=0.01, ha="left")  # a title of the axes meets labels near a pole
        else:
            order = sky_cells.fitting_order(ra[shown], dec[shown]) if order is None else order
            counted = shown
            if outline is not None and not is_whole:
                # What lies beyond the frame counts too, in the cells that the frame cuts.
                counted = there & _in_frame(wcs, ra, dec, 2 * sky_cells.side_deg(order))
            cells, x, y = sky_cells.draw(axes, wcs, ra[counted], dec[counted], order, is_whole)
            figure.colorbar(cells, ax=axes, label="sources per square degree", shrink=0.75 if is_whole else 0.9)
        if outline is not None:
            outline.border(ax=axes, wcs=wcs, color="black", linewidth=1)
        _set_limits(axes, wcs, x, y, is_whole, outline is not None)  # mocpy has changed them
        for name, (colour, mark) in looks(classes or ()).items():
            of_class = shown & (labels == name)
            axes.scatter(
                *wcs.world_to_pixel_values(ra[of_class], dec[of_class]), s=30, color=colour, marker=mark,
                linewidths=0.4, edgecolors="white", rasterized=True, label=f"{name} ({of_class.sum():,})", zorder=3,
            )  # fmt: skip
        if classes:
            axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4, markerscale=1.6)
        axes.set_aspect("equal")
        axes.grid(color="0.6", linewidth=0.4)
        _label(axes, is_whole)
    return shown_once(figure)


def _label(axes: Any, is_whole: bool) -> None:
    ra, dec = axes.coords
    for coordinate in (ra, dec):
        coordinate.set_ticklabel(exclude_overlapping=True)
    dec.set_axislabel("declination (ICRS)")
    if not is_whole:
        ra.set_axislabel("right ascension (ICRS)")
        return
    from matplotlib.patheffects import withStroke

    axes.set_title("ICRS, right ascension grows to the left")
    ra.set_axislabel("")
    ra.set_ticks(np.arange(0, 360, 60) * deg)
    ra.set_ticklabel_visible(False)
    # Right ascensions are written along the equator, inside the map; a coordinate's own labels lie below the points.
    for hour_angle in range(0, 360, 60):
        place = hour_angle + (-14 if hour_angle == 180 else 0)  # within the edge of the map
        axes.text(
            place, 0, f"{hour_angle}\N{DEGREE SIGN}", transform=axes.get_transform("world"), ha="center", va="center",
            fontsize=8, zorder=6, path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip
    dec.set_major_formatter("d")
    dec.set_ticks(np.arange(-60, 61, 30) * deg)


def _labels(table: Any, classes: Sequence[str] | None) -> NDArray[np.str_]:
    labels = sources.classes(table)
    if classes and labels is None:
        raise PlotError(f"The rows have no column {' or '.join(sources.CLASS_COLUMNS)} to choose classes by.")
    if labels is None:
        return np.full(len(table), "")
    known = [*CLASSES, *(str(label) for label in np.unique(labels) if label and label not in CLASSES)]
    for name in classes or ():
        if name not in known:
            raise PlotError(f"There is no class {name!r}; {did_you_mean(name, known)}")
    return labels


def _moc(region: Any) -> Any:
    MOC = imported("mocpy").MOC
    if isinstance(region, MOC):
        return region
    text = str(region)
    try:
        if (file := moc_file(text)) is not None:
            return load_moc(file)
        found = parse(text)
        if found.shape != "BOX":  # whose sides STC-S has along great circles
            text = f"{found.shape} ICRS {' '.join(map(str, found.numbers))}"
    except Error as error:
        if file is not None:
            raise PlotError(f"{error}.") from error
    try:
        return MOC.from_stcs(text, max_depth=12)
    except Exception as error:  # mocpy's parser, in Rust, raises an exception of its own when it panics
        raise PlotError(
            f"{region!r} is no region; 'CIRCLE ICRS 83.8 -5.4 1' is one, as are 'CIRCLE(83.8, -5.4, 1)', 'Pleiades' "
            "and a file with a MOC."
        ) from error


def _extent(ra: Array, dec: Array) -> tuple[Array, float]:
    """Return the mean direction of sources, shape (3,), and the distance in degrees of the furthest one from it."""
    vectors = _vectors(ra, dec)
    middle = vectors.mean(axis=0)
    length = np.linalg.norm(middle)
    if length < 1e-3:
        return np.array([1.0, 0, 0]), 180.0
    return middle / length, float(np.degrees(np.arccos(np.clip(vectors @ (middle / length), -1, 1))).max())


def _vectors(ra: Array, dec: Array) -> Array:
    """Return unit vectors, shape (n, 3), of positions in degrees."""
    lon, lat = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _in_frame(wcs: "WCS", ra: Array, dec: Array, margin_deg: float = 0.0) -> NDArray[np.bool_]:
    """Tell which sources lie within the map of a region; those beyond 90 degrees have no place in its projection."""
    places = np.stack(wcs.world_to_pixel_values(ra, dec)) - (wcs.wcs.crpix - 1)[:, None]
    at_edge = 1 + np.radians(_HALF_PIXELS * wcs.wcs.cdelt[1]) ** 2  # how much larger a degree is there
    inside: NDArray[np.bool_] = (np.abs(places) <= _HALF_FRAME + at_edge * margin_deg / wcs.wcs.cdelt[1]).all(axis=0)
    return inside


def _extent_of(region: Any) -> tuple[Array, float]:
    """Return the same of a region."""
    middle = region.barycenter()
    return middle.cartesian.xyz.value, float(region.largest_distance_from_coo_to_vertices(middle).to_value(deg))


def _projection(middle: Array, reach: float) -> tuple["WCS", bool]:
    """Choose the gnomonic projection about the middle, or Mollweide's of the whole sky."""
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    is_whole = bool(reach > _WIDE_DEG)
    if is_whole:
        wcs.wcs.ctype = ["RA---MOL", "DEC--MOL"]
        wcs.wcs.crval = [0.0, 0.0]
        wcs.wcs.cdelt = [-1.0, 1.0]
    else:
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = [np.degrees(np.arctan2(middle[1], middle[0])) % 360, np.degrees(np.arcsin(middle[2]))]
        step = np.degrees(np.tan(np.radians(max(reach, _LEAST_DEG)))) / _HALF_PIXELS
        wcs.wcs.cdelt = [-step, step]
    wcs.wcs.cunit = ["deg", "deg"]
    # mocpy assumes that the picture reaches from 0 to twice this, and cuts an outline off there.
    wcs.wcs.crpix = [HALF_WIDTH + 1] * 2 if is_whole else [_HALF_PIXELS * 1.2] * 2
    return wcs, is_whole


def _set_limits(axes: Any, wcs: "WCS", x: Array, y: Array, is_whole: bool, is_region: bool) -> None:
    """Show the whole sky, a region, or what is drawn at the pixels x, y."""
    if is_whole:
        limits = np.array([[0, 2 * HALF_WIDTH], [HALF_WIDTH / 2, 3 * HALF_WIDTH / 2]])
    elif is_region:
        limits = (wcs.wcs.crpix - 1)[:, None] + np.array([-_HALF_FRAME, _HALF_FRAME])
    else:
        reach = np.array([[np.nanmin(x), np.nanmax(x)], [np.nanmin(y), np.nanmax(y)]])
        half = np.ptp(reach, axis=1) / 2
        most = half.max() or _HALF_PIXELS
        half = np.maximum(half, 0.4 * most) + 2 * _MARGIN * most  # sources in a line still have some height
        limits = reach.mean(axis=1)[:, None] + np.stack([-half, half], axis=1)
    axes.set(xlim=limits[0], ylim=limits[1])
