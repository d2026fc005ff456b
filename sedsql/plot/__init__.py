"""Draw SEDs, diagrams, maps, and how good a model is, with matplotlib (`pip install 'sedsql[plot]'`).

Every function returns a `matplotlib.figure.Figure`: a notebook shows it, `.savefig("sed.pdf")` writes it.
"""

from sedsql.plot.diagrams import colour_colour, hertzsprung_russell
from sedsql.plot.draw import KINDS, draw
from sedsql.plot.evaluation import confusion, reliability
from sedsql.plot.seds import sed
from sedsql.plot.skymap import sky
from sedsql.plot.style import PlotError

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
