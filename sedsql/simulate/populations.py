"""The kinds of sources: how hot, how large, and what dust they bring along.

Each `draw` function returns `Stars`. The distributions are of what a survey limited in magnitude sees,
wide rather than exact: they are there to exercise queries and models, not to count stars.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .dwarfs import brown_dwarf, main_sequence
from .evolved import agb_carbon, agb_oxygen, giant, supergiant
from .galaxy import galaxy_counts, star_counts
from .hot import massive, white_dwarf, wolf_rayet
from .nuclei import agn
from .source import Array, Generator, Stars
from .young import yso, yso_discless


@dataclass(frozen=True)
class Population:
    """How it is drawn, and where it lies.

    height_pc : scale height of its disc; None for what lies beyond the Galaxy
    old : whether bulge, thick disc and halo have it too
    typical_g : the absolute G that stands for all of it when its place on the sky is worked out
    """

    draw: Callable[[int, Generator], Stars]
    height_pc: float | None
    old: bool = False
    typical_g: float = 0.0

    def counts(self, glon: Array, glat: Array) -> Array:
        """Relative number that Gaia sees towards each direction in degrees, shape (n,)."""
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
"""By class."""
