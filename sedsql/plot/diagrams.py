"""Draw colour-colour and Hertzsprung-Russell diagrams of a dozen sources or of millions, coloured by class."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sedsql.photometry.bands import BANDS, Band
from sedsql.photometry.looks import looks
from sedsql.plot import rows as sources
from sedsql.plot.style import GREY, PlotError, shown_once, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

MOST_POINTS = 50_000
"""More sources than this are drawn as an image of how many there are of each class in each pixel."""
_MOST_OF_A_RARE_CLASS = 1_000
"""A class with as few sources stays points above the image, where a pixel each could not be seen."""
_PIXELS = 300
_SHOWN_A_V = 2.0


def colour_colour(rows: sources.Rows, x: str = "J-H", y: str = "H-Ks") -> "Figure":
    """Draw one colour of sources over another, coloured by class, with an arrow for the effect of dust.

    Parameters
    ----------
    rows : sources with the magnitudes of the bands, and perhaps a column `class`, as `sed` takes them, any number
    x, y : colours, such as 'BP-RP' or 'phot_bp_mean_mag - phot_rp_mean_mag'

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlotError
        Without rows or a column for a band, and where matplotlib is not installed.

    Notes
    -----
    The arrow is the effect of 2 mag of extinction in V (Gordon et al. 2023, ApJ 950, 86, R_V = 3.1).

    Examples
    --------
    >>> import sedsql
    >>> con = sedsql.connect("sky")
    >>> query = "SELECT j_m, h_m, ks_m, 'all' AS class FROM sed.photometry WHERE ks_m IS NOT NULL"
    >>> figure = sedsql.plot.colour_colour(con.execute(query), "J-H", "H-Ks")
    >>> figure.axes[0].get_ylabel()
    'H − Ks [mag]'
    >>> con.close()
    """
    table = sources.table_of(rows)
    magnitudes = sources.magnitudes(table)
    (x_bands, x_colour), (y_bands, y_colour) = (_colour(words, magnitudes) for words in (x, y))
    with style() as plt:
        figure, axes = plt.subplots(figsize=(5.6, 4.4))
        _by_class(axes, x_colour, y_colour, sources.classes(table))
        axes.set_xlabel(_label(x_bands))
        axes.set_ylabel(_label(y_bands))
        _reddening(axes, _reddens(x_bands), _reddens(y_bands), x_colour, y_colour)
    return shown_once(figure)


def hertzsprung_russell(
    rows: sources.Rows, colour: str = "BP-RP", magnitude: str = "G", *, parallax_over_error: float = 5.0
) -> "Figure":
    """Draw absolute magnitudes of sources over a colour, coloured by class.

    Parameters
    ----------
    rows : sources with the magnitudes of the bands, `parallax` in mas, and perhaps a column `class`, any number;
        sources without a parallax above 0 are left out, and the title tells how many sources are
    colour : a colour such as 'BP-RP'
    magnitude : the band of the absolute magnitude, m + 5 log10(parallax / 100 mas), not corrected for dust
    parallax_over_error : sources with less are left out, if `rows` have `parallax_error`: at 5, the error of the
        absolute magnitude is about 0.4 mag; 0 leaves none out for it

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlotError
        Without rows, parallaxes or a column for a band, and where matplotlib is not installed.

    Examples
    --------
    >>> import sedsql
    >>> con = sedsql.connect("sky")
    >>> query = "SELECT s.*, sed_class(s) AS class FROM sed.photometry AS s WHERE parallax > 20 * parallax_error"
    >>> figure = sedsql.plot.hertzsprung_russell(con.execute(query))
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('BP − RP [mag]', '$M_{G}$ [mag]')
    >>> con.close()
    """
    table = sources.table_of(rows)
    magnitudes, parallax = sources.magnitudes(table), sources.column(table, "parallax")
    bands, found = _colour(colour, magnitudes)
    band = _band(magnitude)
    least = 0.0
    if parallax_over_error > 0 and sources.find(table, ("parallax_error",)):
        least = parallax_over_error
        with np.errstate(invalid="ignore", divide="ignore"):
            parallax = np.where(parallax >= least * sources.column(table, "parallax_error"), parallax, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        absolute = magnitudes[:, BANDS.index(band)] + 5 * np.log10(np.where(parallax > 0, parallax, np.nan) / 100)
    with style() as plt:
        figure, axes = plt.subplots(figsize=(5.6, 5.2))
        _by_class(axes, found, absolute, sources.classes(table))
        axes.set_title(_left_out(found, absolute, least), loc="left")
        axes.invert_yaxis()
        axes.set_xlabel(_label(bands))
        axes.set_ylabel(f"$M_{{{band.short}}}$ [mag]")
    return shown_once(figure)


def _left_out(colour: Array, absolute: Array, least: float) -> str:
    """Tell how many sources a diagram has, and why others are not in it."""
    with_parallax = np.isfinite(absolute)
    drawn = with_parallax & np.isfinite(colour)
    reasons = []
    if not with_parallax.all():
        reasons.append(f"parallax / error < {least:g} or none" if least else "no parallax above 0")
    if (drawn != with_parallax).any():
        reasons.append("no colour")
    words = f"{drawn.sum():,} source{'s' * int(drawn.sum() != 1)}"
    return words + (f"; {(~drawn).sum():,} left out: {', '.join(reasons)}" if reasons else "")


def _band(words: str) -> Band:
    folded = words.strip().lower()
    for band in BANDS:
        if folded in (band.short.lower(), band.column, *(name.lower() for name in band.synonyms)):
            return band
    raise PlotError(f"There is no band {words.strip()!r}; there are {', '.join(band.short for band in BANDS)}.")


def _colour(words: str, magnitudes: Array) -> tuple[tuple[Band, Band], Array]:
    parts = words.split("-")
    if len(parts) != 2:
        raise PlotError(f"A colour is two bands with a - between them, such as J-H, not {words!r}.")
    one, other = _band(parts[0]), _band(parts[1])
    found = magnitudes[:, BANDS.index(one)] - magnitudes[:, BANDS.index(other)]
    if not np.isfinite(found).any():
        raise PlotError(f"No source has both {one.short} and {other.short}.")
    return (one, other), found


def _label(bands: tuple[Band, Band]) -> str:
    return f"{bands[0].short} \N{MINUS SIGN} {bands[1].short} [mag]"


def _reddens(bands: tuple[Band, Band]) -> float:
    return _SHOWN_A_V * (bands[0].extinction - bands[1].extinction)


def _reddening(axes: "Axes", dx: float, dy: float, x: Array, y: Array) -> None:
    """Draw an arrow in the corner that has the fewest points."""
    from matplotlib.patheffects import withStroke

    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    wide, high = right - left, top - bottom
    # The arrow and the text below it, with a margin, as parts of the axes.
    box = np.array([max(abs(dx) / wide, 0.22) + 0.04, abs(dy) / high + 0.13])
    places = np.stack([(x - left) / wide, (y - bottom) / high], axis=1)
    corners = [np.array([a, b]) for b in (1 - box[1], 0.0) for a in (0.0, 1 - box[0])]
    corner = min(corners, key=lambda low: int(((places > low) & (places < low + box)).all(axis=1).sum()))
    start = (
        left + (corner[0] + 0.03) * wide + max(-dx, 0),
        bottom + (corner[1] + box[1] - 0.03) * high - max(dy, 0),
    )
    end = (start[0] + dx, start[1] + dy)
    edge = [withStroke(linewidth=2.5, foreground="white")]
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "black", "linewidth": 1.2}, zorder=5)
    axes.annotate(
        f"$A_V$ = {_SHOWN_A_V:g} mag", (min(start[0], end[0]), min(start[1], end[1])), (0, -4),
        textcoords="offset points", fontsize=8, va="top", zorder=5, path_effects=edge,
    )  # fmt: skip


def _by_class(axes: "Axes", x: Array, y: Array, labels: NDArray[np.str_] | None) -> None:
    """Draw the sources that have both values, the rarest class on top, with a legend outside."""
    there = np.isfinite(x) & np.isfinite(y)
    if not there.any():
        raise PlotError("No source has all the magnitudes that the diagram needs.")
    told = np.where(labels[there] == "", "no class", labels[there]) if labels is not None else None
    x, y = x[there], y[there]
    names, counts = np.unique(told, return_counts=True) if told is not None else (np.array([""]), np.array([len(x)]))
    names = names[np.argsort(-counts, kind="stable")]
    groups = {str(name): told == name if told is not None else np.ones(len(x), bool) for name in names}
    look = {**looks(list(groups)), "": (GREY, "o"), "no class": ("0.8", "o")}
    (left, right), (bottom, top) = _limits(x), _limits(y)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    in_picture = {
        name: group for name, group in groups.items() if len(x) > MOST_POINTS and group.sum() > _MOST_OF_A_RARE_CLASS
    }
    if in_picture:
        _picture(axes, x, y, {look[name][0]: group for name, group in in_picture.items()})
    for name, group in groups.items():
        colour, mark = look[name]
        label = f"{name} ({group.sum():,})" if name else None
        if name in in_picture:
            axes.plot([], [], "s", color=colour, label=label)
        else:
            size = np.clip(2_000 / np.sqrt(len(x)), 4, 28) if not in_picture else 14
            axes.scatter(
                x[group], y[group], size, color=colour, marker=mark, label=label, linewidths=0, rasterized=True,
                alpha=0.85, zorder=3,
            )  # fmt: skip
    if told is not None:
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), markerscale=1.2)


def _limits(values: Array) -> tuple[float, float]:
    """Return limits that hold nearly all values, with a margin, so that few outliers do not shrink the diagram.

    They lie at values, so no mark of a small table is cut in half.
    """
    low, high = np.percentile(values, 0.02, method="lower"), np.percentile(values, 99.98, method="higher")
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin


def _picture(axes: "Axes", x: Array, y: Array, groups: dict[str, NDArray[np.bool_]]) -> None:
    """Draw an image in which a pixel's colour mixes the classes of its sources, deeper where there are more."""
    from matplotlib.colors import to_rgb

    edges = [np.linspace(*limits, _PIXELS + 1) for limits in (axes.get_xlim(), axes.get_ylim())]
    counts = {colour: np.histogram2d(x[group], y[group], edges)[0].T for colour, group in groups.items()}
    total = np.sum(list(counts.values()), axis=0)
    mixed = sum(count[..., None] * np.array(to_rgb(colour)) for colour, count in counts.items())
    image = np.ones((_PIXELS, _PIXELS, 4))
    image[..., :3] = mixed / np.maximum(total, 1)[..., None]
    image[..., 3] = np.where(total > 0, 0.25 + 0.75 * np.log1p(total) / np.log1p(total.max()), 0)
    axes.imshow(
        image, origin="lower", aspect="auto", extent=(*axes.get_xlim(), *axes.get_ylim()), interpolation="nearest",
        zorder=2,
    )  # fmt: skip
