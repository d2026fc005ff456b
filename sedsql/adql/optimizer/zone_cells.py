"""Write the cells of positions and of circles around them as SQL.

The sky is cut into zones of declination, three radii high at least, and each zone into cells of right ascension that
are as wide in the middle of the sky as zones are high, and wider towards the poles (Gray et al. 2004, MSR-TR-2004-32).
A circle then touches four cells at most and mostly one.

Cells come as layers: what the SELECT of one subquery around another adds to `*`. A layer names what the next ones use
more than once. All stays DOUBLE until the end, where a coordinate that is NaN makes the cell NULL.
"""

from __future__ import annotations

from dataclasses import dataclass

from sedsql.adql.geometry.sphere import real

LOWEST = 20 / 3600  # degrees: lower zones would have more circles touch two, and hardly fewer wrong candidates
SLACK = 1e-9  # degrees, and relative: what the exact test may let in by rounding
PER_ZONE = 1 << 17  # more than cells in a zone

Layers = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Grid:
    """The height of the zones and the radius in degrees, as SQL, and layers that compute them first."""

    height: str
    reach: str
    first: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, radius: float) -> Grid:
        """Make a grid for a radius in degrees."""
        reach = radius * (1 + SLACK) + SLACK
        return cls(real(max(LOWEST, 3 * reach)), real(reach))

    @classmethod
    def of_largest(cls, radius: str) -> Grid:
        """Make a grid for the SQL of a radius that a query computes."""
        reach = f"{radius} * {real(1 + SLACK)} + {real(SLACK)} AS __reach"
        return cls("__height", "__reach", ((reach,), (f"greatest({real(LOWEST)}, 3e0 * __reach) AS __height",)))

    def cell(self, ra: str, dec: str) -> Layers:
        """Compute the cell of a position, as __cell."""
        number = f"__zone * {PER_ZONE} + floor(__turn * __count)"
        return [
            *self.first,
            (f"{self._zone(dec)} AS __zone", _turn(ra)),
            *self._counts(),
            (f"TRY_CAST({number} AS BIGINT) AS __cell",),
        ]

    def cells_around(self, ra: str, dec: str) -> Layers:
        """Compute the cells that the circle around a position touches, as __cell: each once, and each in a row."""
        south, north = self._zone(f"({dec} - {self.reach})"), self._zone(f"({dec} + {self.reach})")
        west, east = (f"floor(__turn * __count {sign} {self.reach} / {self.height})" for sign in "-+")
        wrapped = "CASE WHEN __step < 0 THEN __step + __count WHEN __step >= __count THEN __step - __count ELSE __step"
        return [
            *self.first,
            (f"unnest(CASE WHEN {south} <> {north} THEN [{south}, {north}] ELSE [{south}] END) AS __zone", _turn(ra)),
            *self._counts(),
            (f"unnest(CASE WHEN __count > 1 AND {west} <> {east} THEN [{west}, {east}] ELSE [{west}] END) AS __step",),
            (f"TRY_CAST(__zone * {PER_ZONE} + {wrapped} END AS BIGINT) AS __cell",),
        ]

    def _zone(self, dec: str) -> str:
        return f"floor({dec} / {self.height})"

    def _counts(self) -> Layers:
        """Count the cells of a zone: so many that none is narrower than the height, a zone further to the pole.

        A circle of radius r around declination d reaches r / cos(|d| + r) in right ascension at most. The cosine is
        bounded from below, within 3 per cent, by a product that costs a tenth. Where it is negative, next to the
        poles, a zone is one cell.
        """
        return [
            (f"(abs(__zone + 0.5e0) + 1.5e0) * ({self.height} / 90e0) AS __edge",),
            (f"360e0 / {self.height} * (1e0 - __edge * __edge) * abs(1e0 - 0.2338e0 * __edge * __edge) - 1 AS __more",),
            ("floor(1e0 + 0.5e0 * (__more + abs(__more))) AS __count",),
        ]


def _turn(ra: str) -> str:
    # The factor keeps it below 1, where a right ascension of -1e-20 rounds to.
    return f"({ra} / 360e0 - floor({ra} / 360e0)) * 0.999999999999999e0 AS __turn"
