"""List the populations of sources: how each is drawn, and how it is distributed in the Galaxy.

Each `draw` function returns `Stars`. The distributions are those of a magnitude-limited survey, wide rather than exact:
they serve to exercise queries and models, not to count stars.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sedsql.simulate.dwarfs import brown_dwarf, main_sequence
from sedsql.simulate.evolved import agb_carbon, agb_oxygen, giant, supergiant
from sedsql.simulate.galaxy import galaxy_counts, star_counts
from sedsql.simulate.hot import massive, white_dwarf, wolf_rayet
from sedsql.simulate.nuclei import agn
from sedsql.simulate.source import Array, Generator, Stars
from sedsql.simulate.young import yso, yso_discless


@dataclass(frozen=True)
class Population:
    """A kind of source: how it is drawn, and where it lies.

    height_pc : scale height of its disc; None for sources beyond the Galaxy
    old : whether bulge, thick disc and halo have it too
    typical_g : the absolute G that is used for all its sources to compute their distribution on the sky
    """

    draw: Callable[[int, Generator], Stars]
    height_pc: float | None
    old: bool = False
    typical_g: float = 0.0

    def counts(self, glon: Array, glat: Array) -> Array:
        """Return the relative number that Gaia sees in each direction, in degrees, shape (n,)."""
        if self.height_pc is None:
            return galaxy_counts(glat)
        return star_counts(self.typical_g, glon, glat, height_pc=self.height_pc, old=self.old)


POPULATIONS: dict[str, Population] = {
    "main_sequence": Population(main_sequence, 300.0, True, 5.5),
    "giant": Population(giant, 350.0, True, 0.5),
    "supergiant": Population(supergiant, 80.0, False, -5.0),
    "agb_oxygen": Population(agb_oxygen, 300.0, True, 0.0),
    "agb_carbon": Population(agb_carbon, 200.0, False, -1.0),
    "yso": Population(yso, 80.0, False, 8.0),
    "white_dwarf": Population(white_dwarf, 350.0, False, 11.5),
    "brown_dwarf": Population(brown_dwarf, 300.0, False, 18.0),
    "agn": Population(agn, None),
    "wolf_rayet": Population(wolf_rayet, 60.0, False, -5.0),
    "massive": Population(massive, 60.0, False, -3.0),
    "yso_discless": Population(yso_discless, 80.0, False, 8.0),
}
"""The populations by class."""
