"""Compare photospheres with grids of model atmospheres from two packages, which `make peers` installs."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from sedsql.simulate.photosphere import photosphere

BANDS = (
    "GaiaDR2v2_G", "GaiaDR2v2_BP", "GaiaDR2v2_RP", "2MASS_J", "2MASS_H", "2MASS_Ks", "WISE_RSR_W1", "WISE_RSR_W2",
)  # fmt: skip
COLOURS = {"G-Ks": (0, 5), "BP-RP": (1, 2), "G-RP": (0, 2), "J-Ks": (3, 5)}


pytestmark = pytest.mark.peers


def folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None, f"{package} is not installed; `make peers` installs it"
    assert spec.origin is not None
    return Path(spec.origin).parent


def grid(name: str) -> np.ndarray:
    """Read Teff, log g, [Fe/H], and magnitudes in BANDS with the grid's own zero points."""
    path = folder("astroARIADNE") / "Datafiles" / "model_grids" / f"model_grid_{name}.dat"
    names = path.open().readline().lstrip("# ").split()
    rows = np.loadtxt(path)
    columns = [0, 1, 2, *(names.index(band) for band in BANDS)]
    return rows[:, columns]


def vega() -> np.ndarray:
    rows = grid("CK04")
    return rows[(rows[:, 0] == 9500) & (rows[:, 1] == 4.0) & (rows[:, 2] == -0.5)][0, 3:]


@pytest.mark.parametrize(
    ("name", "teff", "tolerance"),
    [
        ("CK04", [5000, 5500, 6000, 7000, 8000, 9000, 11000], 0.1),
        ("BT_Settl", [4500, 5000, 6000, 7000, 12000], 0.12),
        # Gaia's passbands of DR2: BP - RP of the hottest is 0.05 bluer than with those of DR3.
        ("TLUSTY", [15000, 20000, 25000, 30000, 40000], 0.12),
    ],
)
def test_dwarfs_have_the_colours_of_model_atmospheres(name, teff, tolerance):
    rows = grid(name)
    rows = rows[np.abs(rows[:, 2]) < 0.01]
    zero = vega()
    for temperature in teff:
        near = rows[np.argmin(np.abs(np.log(rows[:, 0] / temperature)) * 100 + np.abs(rows[:, 1] - 4.25))]
        model = -2.5 * np.log10(near[3:] / zero)
        ours = photosphere([near[0]], [1.0])[0]
        for colour, (a, b) in COLOURS.items():
            found, expected = ours[a] - ours[b], model[a] - model[b]
            assert found == pytest.approx(expected, abs=tolerance), f"{colour} at {temperature} K"


@pytest.mark.parametrize(("kind", "file"), [("hydrogen", "DA"), ("helium", "DB")])
def test_white_dwarfs_have_the_magnitudes_of_the_montreal_grid(kind, file):
    """Bedard et al. 2020, ApJ 901, 93: log g = 8; between our nodes as well."""
    lines = (folder("WDPhotTools") / "wd_photometry" / f"Table_{file}_13012021.txt").read_text().splitlines()
    names = lines[1].replace("log g", "logg").split()
    last = {name: max(k for k, other in enumerate(names) if other == name) for name in names}
    first = {name: names.index(name) for name in names}
    rows = np.array(
        [line.split()[: len(names) - 1] for line in lines[2:] if len(line.split()) >= len(names)], dtype=float
    )
    for row in rows[(rows[:, 1] == 8.0) & (rows[:, 0] >= 5000) & (rows[:, 0] <= 35000)]:
        columns = [last["G3"], last["G3_BP"], last["G3_RP"], *(first[name] for name in ("J", "H", "Ks"))]
        # This radius gives the bolometric magnitude.
        radius = 10 ** (0.2 * (4.74 - row[3])) * (5772 / row[0]) ** 2
        ours = photosphere([row[0]], [radius], kind)[0, :6]
        np.testing.assert_allclose(ours, row[columns], atol=0.12, err_msg=f"{row[0]:.0f} K")
