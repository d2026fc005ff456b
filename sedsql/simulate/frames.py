"""Convert between ICRS and Galactic coordinates, as the Gaia archive does."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# ICRS to Galactic: Hipparcos and Tycho Catalogues (ESA SP-1200), vol. 1, eq. 1.5.11. The frame of astropy, which goes
# through FK5, differs by a rotation of 25 mas.
_TO_GALACTIC = np.array(
    [
        [-0.0548755604162154, -0.8734370902348850, -0.4838350155487132],
        [0.4941094278755837, -0.4448296299600112, 0.7469822444972189],
        [-0.8676661490190047, -0.1980763734312015, 0.4559837761750669],
    ]
)


def _turned(matrix: Array, longitude: Array, latitude: Array) -> tuple[Array, Array]:
    lon, lat = np.radians(longitude), np.radians(latitude)
    x, y, z = matrix @ np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    return np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y)))


def galactic(ra: Array, dec: Array) -> tuple[Array, Array]:
    """Convert ICRS ra and dec to Galactic glon and glat, all in degrees."""
    return _turned(_TO_GALACTIC, ra, dec)


def icrs(glon: Array, glat: Array) -> tuple[Array, Array]:
    """Convert Galactic glon and glat to ICRS ra and dec, all in degrees."""
    return _turned(_TO_GALACTIC.T, glon, glat)
