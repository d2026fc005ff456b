"""Set one style for all pictures: fit for print, in colours that colour-blind readers can distinguish."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sedsql.errors import InterfaceError
from sedsql.files.atomic import new_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.9",
    "axes.axisbelow": True,
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
}
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "0.45"

_TICKS_UM = (0.5, 1, 2, 5, 10, 20)


class PlotError(InterfaceError):
    """Raised if a picture cannot be drawn."""


def imported(module: str) -> ModuleType:
    """Import a module of the extra `plot`; raise PlotError if it is not installed."""
    package = module.partition(".")[0]
    try:
        import_module(package)
        return import_module(module)
    except ImportError:
        raise PlotError(f"Plots need {package}; install it with: pip install 'sedsql[plot]'") from None


def pyplot() -> ModuleType:
    return imported("matplotlib.pyplot")


@contextmanager
def style() -> Iterator[ModuleType]:
    """Apply the style to figures drawn in the block, and yield matplotlib.pyplot."""
    plt = pyplot()
    with plt.rc_context(STYLE):
        yield plt


def wavelength_axis(axes: "Axes") -> None:
    """Label the axis with wavelengths from BP to W4 in micrometres."""
    axes.set_xscale("log")
    axes.set_xlim(0.42, 27)
    axes.set_xticks(_TICKS_UM, [f"{tick:g}" for tick in _TICKS_UM])
    axes.minorticks_off()


def save(figure: "Figure", target: Path, *, force: bool) -> None:
    """Write a figure completely or not at all, in the format of the file's ending."""
    ending = target.suffix.lstrip(".").lower()
    if ending not in figure.canvas.get_supported_filetypes():
        raise PlotError(f"A picture is a .png, .pdf or .svg, not {target.name}.")
    with new_file(target, force=force) as partial:
        figure.savefig(partial, format=ending)


def shown_once(figure: "Figure") -> "Figure":
    """Close the figure in pyplot, if a notebook would show it twice: as the cell's value and as an open figure."""
    plt = pyplot()
    if "inline" in plt.get_backend():
        plt.close(figure)
    return figure
