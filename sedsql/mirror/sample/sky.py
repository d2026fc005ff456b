"""Draw the positions of the sample's sources, HEALPix cell by cell, in the order of source_id."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cdshealpix
import numpy as np
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from numpy.typing import NDArray

from sedsql.catalogue.healpix import FINEST, ORDER, number_of_cells
from sedsql.mirror.cells import centres_of
from sedsql.simulate import POPULATIONS
from sedsql.simulate.counts import counts, surface_density
from sedsql.simulate.frames import galactic
from sedsql.simulate.published import PUBLISHED, TOTAL

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

SKY_ORDER = 6
REGION_ORDER = 10

RICH = {
    "main_sequence": 0.790,
    "giant": 0.145,
    "yso": 0.008,
    "yso_discless": 0.005,
    "agn": 0.025,
    "white_dwarf": 0.010,
    "massive": 0.006,
    "brown_dwarf": 0.004,
    "agb_oxygen": 0.003,
    "agb_carbon": 0.002,
    "supergiant": 0.0015,
    "wolf_rayet": 0.0005,
}
"""Share of each population in a rich sky: the order of the true one, with the rare ones raised (up to a thousandfold
for Wolf-Rayet stars), so that 100,000 rows hold some fifty of the rarest."""
NATURAL = {name: one.number / TOTAL for name, one in PUBLISHED.items()}
"""Share of each population in Gaia DR3."""

YOUNG = ("yso", "yso_discless")
REGION_FRACTION = 0.8
"""Share of the young stars that stand in the regions below; the others are spread along the plane. It is far more than
these regions have on the sky, so that there is something in Orion in a sky of 100,000 sources."""


@dataclass(frozen=True)
class Region:
    """A star-forming region: ICRS position and Gaussian radius in degrees, distance and depth in pc, and
    relative number; proper motion in mas/yr."""

    name: str
    ra: float
    dec: float
    radius: float
    distance_pc: float
    depth_pc: float
    weight: float
    pmra: float
    pmdec: float


# Positions from SIMBAD; distances and motions rounded after Zucker et al. 2020, A&A 633, A51 and
# Gaia-based memberships. Radii and numbers are only meant to look right.
REGIONS = (
    Region("Orion Nebula Cluster", 83.82, -5.39, 0.35, 400, 6, 0.24, 1.3, 0.3),
    Region("lambda Orionis", 83.78, 9.93, 1.00, 400, 8, 0.06, 1.0, -2.1),
    Region("NGC 2024", 85.43, -1.90, 0.25, 405, 6, 0.05, 0.2, -0.6),
    Region("NGC 2264", 100.25, 9.75, 0.30, 720, 10, 0.07, -1.8, -3.7),
    Region("rho Ophiuchi", 246.80, -24.50, 0.60, 139, 4, 0.09, -7.1, -25.6),
    Region("Upper Scorpius", 243.00, -23.50, 3.50, 145, 8, 0.10, -11.0, -23.5),
    Region("Lupus", 242.40, -39.10, 0.80, 158, 4, 0.04, -9.9, -23.4),
    Region("Taurus", 66.50, 26.00, 2.50, 141, 8, 0.06, 8.5, -22.5),
    Region("NGC 1333", 52.30, 31.30, 0.20, 296, 4, 0.05, 7.3, -9.8),
    Region("IC 348", 56.14, 32.16, 0.20, 318, 4, 0.06, 4.5, -6.3),
    Region("Chamaeleon I", 167.00, -77.20, 0.70, 190, 4, 0.05, -22.5, 0.6),
    Region("Corona Australis", 285.40, -36.95, 0.40, 152, 4, 0.03, 4.0, -27.5),
    Region("Serpens", 277.50, 1.24, 0.30, 436, 8, 0.04, 2.6, -8.1),
    Region("Cepheus OB3b", 343.30, 62.60, 0.40, 820, 15, 0.06, -0.7, -2.3),
)


@dataclass
class Positions:
    """Sources in the order of their cells; arrays of one length.

    cell : nested HEALPix cell of order 12
    population : index into POPULATIONS
    region : index into REGIONS, -1 outside of them
    ra, dec, glon, glat : degrees
    """

    cell: Ints
    population: Ints
    region: Ints
    ra: Array
    dec: Array
    glon: Array
    glat: Array

    def __len__(self) -> int:
        return len(self.cell)


def positions(rows: int, seed: int, chunk: int, *, rich: bool) -> Iterator[Positions]:
    """Positions of `rows` sources in ascending order of cell, in pieces of about `chunk` rows.

    rich : of populations in the shares of RICH, not in those of Gaia DR3

    What is held in memory does not depend on `rows`: first it is drawn how many sources of each population
    fall in each cell, then cell after cell is filled.
    """
    rng = np.random.default_rng([seed, 0])
    sky, places, crowds = _counts(rows, rich, rng)
    in_cells = sky.sum(axis=0)
    np.add.at(in_cells, places[1] >> 2 * (REGION_ORDER - SKY_ORDER), crowds.sum(axis=0))
    total = np.cumsum(in_cells)
    ends = np.searchsorted(total, np.arange(chunk, total[-1] + chunk, chunk))
    start = 0
    for number, end in enumerate(np.minimum(np.unique(ends) + 1, len(total))):
        yield _fill(start, int(end), sky, places, crowds, np.random.default_rng([seed, 1, number]))
        start = int(end)


def _counts(rows: int, rich: bool, rng: np.random.Generator) -> tuple[Ints, tuple[Ints, Ints], Ints]:
    """Draw how many sources of each population fall in each cell of SKY_ORDER, shape (populations, cells);
    then the pairs of region and cell of REGION_ORDER, and the number of young stars in each, shape (YOUNG, pairs)."""
    shares = RICH if rich else NATURAL
    each = rng.multinomial(rows, np.array([shares[name] for name in POPULATIONS]))
    in_cells = _shares(rich)
    regions, cells, weights = _region_cells()
    sky, crowds = [], np.zeros((len(YOUNG), len(cells)), dtype=np.int64)
    for name, number in zip(POPULATIONS, each, strict=True):
        if name in YOUNG:
            crowded = rng.binomial(number, REGION_FRACTION)
            crowds[YOUNG.index(name)] = rng.multinomial(crowded, weights)
            number -= crowded
        sky.append(rng.multinomial(number, in_cells[name]))
    return np.stack(sky), (regions, cells), crowds


@cache
def _shares(rich: bool) -> dict[str, Array]:
    """Share of each population in each cell of SKY_ORDER: it takes a second, and is the same for all samples."""
    glon, glat = galactic(*centres_of(np.arange(number_of_cells(SKY_ORDER)), SKY_ORDER))
    densities = {
        name: population.counts(glon, glat) if rich else surface_density(counts(name), glon, glat)
        for name, population in POPULATIONS.items()
    }
    return {name: density / density.sum() for name, density in densities.items()}


@cache
def _region_cells() -> tuple[Ints, Ints, Array]:
    """Region, cell of REGION_ORDER and weight (of sum 1) of all cells within three radii of a region."""
    regions, cells, weights = [], [], []
    for index, region in enumerate(REGIONS):
        found, _, _ = cdshealpix.cone_search(
            Longitude(region.ra, u.deg),
            Latitude(region.dec, u.deg),
            3 * region.radius * u.deg,
            REGION_ORDER,
            flat=True,
        )
        found = np.sort(found.astype(np.int64))
        ra, dec = centres_of(found, REGION_ORDER)
        off = np.hypot(((ra - region.ra + 180) % 360 - 180) * np.cos(np.radians(region.dec)), dec - region.dec)
        density = np.exp(-0.5 * (off / region.radius) ** 2)
        regions.append(np.full(len(found), index))
        cells.append(found)
        weights.append(region.weight * density / density.sum())
    weight = np.concatenate(weights)
    return np.concatenate(regions), np.concatenate(cells), weight / weight.sum()


def _fill(
    start: int, end: int, sky: Ints, places: tuple[Ints, Ints], crowds: Ints, rng: np.random.Generator
) -> Positions:
    """The sources of the cells start to end (of SKY_ORDER)."""
    down = 2 * (ORDER - SKY_ORDER)
    cells, populations, regions = [], [], []
    for index in range(len(sky)):
        coarse = np.repeat(np.arange(start, end), sky[index, start:end])
        cells.append((coarse << down) + rng.integers(0, 1 << down, len(coarse)))
        populations.append(np.full(len(coarse), index))
        regions.append(np.full(len(coarse), -1))
    down = 2 * (REGION_ORDER - SKY_ORDER)
    here = (places[1] >= start << down) & (places[1] < end << down)
    down = 2 * (ORDER - REGION_ORDER)
    for name, crowd in zip(YOUNG, crowds, strict=True):
        coarse = np.repeat(places[1][here], crowd[here])
        cells.append((coarse << down) + rng.integers(0, 1 << down, len(coarse)))
        populations.append(np.full(len(coarse), list(POPULATIONS).index(name)))
        regions.append(np.repeat(places[0][here], crowd[here]))

    cell = np.concatenate(cells)
    order = np.argsort(cell, kind="stable")
    cell = cell[order]
    # The centre of a random cell of the finest order, 0.4 mas wide, is never on the edge of a coarse one.
    down = 2 * (FINEST - ORDER)
    ra, dec = centres_of((cell << down) + rng.integers(0, 1 << down, len(cell)), FINEST)
    glon, glat = galactic(ra, dec)
    return Positions(cell, np.concatenate(populations)[order], np.concatenate(regions)[order], ra, dec, glon, glat)
