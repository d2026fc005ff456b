"""Pictures: SEDs, diagrams, maps, and how good a model is (matplotlib; `pip install 'sedsql[plot]'`).

Every function gives a `matplotlib.figure.Figure`: a notebook shows it, `.savefig("sed.pdf")` writes it.
"""

from .diagrams import colour_colour, hertzsprung_russell
from .draw import KINDS, draw
from .judged import confusion, reliability
from .seds import sed
from .skymap import sky
from .style import PlotError

__all__ = [
    "KINDS",
    "PlotError",
    "colour_colour",
    "confusion",
    "draw",
    "hertzsprung_russell",
    "reliability",
    "sed",
    "sky",
]
