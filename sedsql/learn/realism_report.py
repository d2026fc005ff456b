"""Report the comparison of simulated with real sources as rows, pictures and a page of Markdown."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sedsql.learn.realism import NAMES, Colour, Comparison
from sedsql.photometry.bands import BANDS
from sedsql.plot.report.document import Block, Heading, Paragraph, Picture, Rows, markdown
from sedsql.plot.style import pyplot

REPORT = "report.md"

_PLANES = (
    ("BP-RP", "G-RP"), ("J-Ks", "BP-RP"), ("J-H", "H-Ks"), ("Ks-W1", "W1-W2"), ("W1-W2", "W2-W3"), ("W2-W3", "W3-W4"),
)  # fmt: skip
"""The colours of each panel: upwards and across."""
_SHORT = [band.short for band in BANDS]
_SIMULATED = "#d55e00"
_LEAST_POINTS = 15


def summary(found: Sequence[Comparison]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return names and rows of the table to print, with one line for each class."""
    rows: list[tuple[Any, ...]] = []
    for one in found:
        worst = max(one.colours, key=lambda colour: abs(colour.difference), default=None)
        rows.append(
            (
                one.label,
                len(one.real),
                None if one.auc is None else round(one.auc, 3),
                len(one.bands),
                round(float(np.median([abs(c.difference) for c in one.colours])), 3) if one.colours else None,
                round(float(np.median([c.distance for c in one.colours])), 3) if one.colours else None,
                "" if worst is None else f"{worst.name} {worst.difference:+.2f}",
            )
        )
    return ["class", "real rows", "AUC", "bands", "median |difference|", "median KS", "most off"], rows


def write(found: Sequence[Comparison], folder: Path, table: str, command: str) -> None:
    """Write report.md and a picture of each class into a folder that exists."""
    for one in found:
        draw(one, folder / f"{one.label}.png")
    (folder / REPORT).write_text(markdown(_page(found, table, command), "."))


def _page(found: Sequence[Comparison], table: str, command: str) -> list[Block]:
    names, rows = summary(found)
    blocks: list[Block] = [
        Heading("Simulated sources against real ones", 1),
        Paragraph(f"The real ones are the rows of `{table}`; made by `{command}`."),
        Paragraph(
            "Each real source has a simulated partner of the same class and brightness (G, else Ks, else W1), seen in "
            "the same bands. AUC is that of a classifier that tells simulated from real by their colours, "
            "on folds that it did not see: 0.5 where it cannot, 1 where it always can. Differences are simulated minus "
            "real medians in mag; KS is the largest distance between the two cumulative distributions."
        ),
        Rows(names, [["" if cell is None else str(cell) for cell in row] for row in rows]),
        Heading("Colour by colour"),
        Paragraph("Simulated minus real median in mag, and the Kolmogorov-Smirnov distance in brackets."),
        Rows(["class", *NAMES], [[one.label, *_cells(one.colours)] for one in found]),
        Heading("At the same BP-RP"),
        Paragraph(
            "The same with partners of the same BP-RP instead: what is left where the table has other kinds of the "
            "class than the sky, more M dwarfs than others for instance."
        ),
        Rows(["class", *NAMES], [[one.label, *_cells(one.same_bp_rp)] for one in found]),
    ]
    for one in found:
        blocks += [
            Heading(one.label),
            Picture(f"{one.label}.png", f"{one.label}: real sources grey, contours of the simulated ones orange"),
        ]
    return blocks


def _cells(colours: Sequence[Colour]) -> list[str]:
    cells = {colour.name: f"{colour.difference:+.2f} ({colour.distance:.2f})" for colour in colours}
    return [cells.get(name, "") for name in NAMES]


def draw(one: Comparison, path: Path) -> None:
    """Draw colour-colour panels of one class: the density of real sources, and contours around the simulated ones."""
    plt = pyplot()
    from PIL import Image  # comes with matplotlib

    planes = [plane for plane in _PLANES if len(_points(one.real, plane)) >= _LEAST_POINTS] or [_PLANES[0]]
    figure, panels = plt.subplots(
        1, len(planes), figsize=(2.6 * len(planes), 2.8), squeeze=False, layout="constrained"
    )  # fmt: skip
    for panel, plane in zip(panels.flat, planes, strict=True):
        real, simulated = _points(one.real, plane), _points(one.simulated, plane)
        (left, right), (low, high) = limits = _limits(real, simulated)
        if len(real) > 400:
            box = (left, right, low, high)
            panel.hexbin(*real.T, gridsize=36, extent=box, bins="log", mincnt=1, cmap="Greys", linewidths=0.1)
        else:
            panel.plot(real[:, 0], real[:, 1], ".", color="0.35", markersize=3, alpha=0.7)
        _contours(panel, simulated, limits)
        panel.set_xlim(left, right)
        panel.set_ylim(low, high)
        panel.set_xlabel(plane[1])
        panel.set_ylabel(plane[0])
    auc = "" if one.auc is None else f", AUC {one.auc:.2f}"
    title = f"{one.label}: {len(one.real):,} real (grey), simulated (orange: 50 % and 90 % inside){auc}"
    figure.suptitle(title, fontsize=9)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=100, format="png")
    plt.close(figure)
    # A palette makes the file four times smaller, and few colours are needed.
    Image.open(drawn).convert("RGB").quantize(48).save(path, optimize=True)


def _points(magnitudes: NDArray[np.float64], plane: tuple[str, str]) -> NDArray[np.float64]:
    """Return the two colours, across and up, of the sources that have both, shape (m, 2)."""
    across, up = (
        magnitudes[:, _SHORT.index(blue)] - magnitudes[:, _SHORT.index(red)]
        for blue, red in (name.split("-") for name in (plane[1], plane[0]))
    )
    points = np.stack([across, up], axis=1)
    return points[np.isfinite(points).all(axis=1)]


def _limits(real, simulated) -> list[tuple[float, float]]:
    """Return the limits, across and up, that hold nearly all sources, with a margin."""
    both = np.concatenate([real, simulated])
    if not len(both):
        return [(0.0, 1.0), (0.0, 1.0)]
    low, high = np.percentile(both, [1.5, 98.5], axis=0)
    margin = 0.12 * (high - low) + 0.05
    return list(zip((low - margin).tolist(), (high + margin).tolist(), strict=True))


def _contours(panel, points, limits) -> None:
    """Draw lines around 50 and 90 % of the points; where there are few, draw the points themselves."""
    if len(points) < 100:
        panel.plot(points[:, 0], points[:, 1], "x", color=_SIMULATED, markersize=3, alpha=0.8)
        return
    counts, across, up = np.histogram2d(points[:, 0], points[:, 1], bins=32, range=limits)
    smooth = gaussian_filter(counts, 1.2)
    ordered = np.sort(smooth.ravel())[::-1]
    inside = np.cumsum(ordered) / ordered.sum()
    levels = sorted({float(ordered[np.searchsorted(inside, share)]) for share in (0.5, 0.9)})
    centres = [(edges[1:] + edges[:-1]) / 2 for edges in (across, up)]
    panel.contour(*centres, smooth.T, levels=levels, colors=_SIMULATED, linewidths=[1.0, 1.8][-len(levels) :])
