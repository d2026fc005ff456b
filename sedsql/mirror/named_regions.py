"""Name regions of the sky that people ask for: circles, known without a network."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class NamedRegion:
    """A circle with a name.

    name : as it is listed
    ra, dec, radius : degrees, ICRS; centres are good to a tenth of the radius
    origin : where centre and radius come from; "chosen" is a radius of ours that holds most of what is meant
    others : further names
    """

    name: str
    ra: float
    dec: float
    radius: float
    origin: str
    others: tuple[str, ...] = ()


REGIONS = (
    NamedRegion(
        "Orion Nebula Cluster",
        83.819,
        -5.390,
        0.5,
        "theta1 Orionis C (Hipparcos); radius chosen, 3.5 pc at 400 pc",
        ("ONC", "Orion Nebula", "M 42", "NGC 1976", "Trapezium"),
    ),
    NamedRegion("Orion A", 84.9, -7.0, 3.5, "chosen: the cloud from NGC 1977 to L1647", ("L1641",)),
    NamedRegion("Pleiades", 56.75, 24.12, 2.0, "Dias et al. 2002; radius chosen", ("M 45", "Melotte 22")),
    NamedRegion(
        "Hyades",
        66.72,
        15.87,
        12.0,
        "Dias et al. 2002; 10 pc at 46 pc, the tidal radius of Perryman et al. 1998",
        ("Melotte 25",),
    ),
    NamedRegion("Praesepe", 130.10, 19.67, 3.0, "Dias et al. 2002; radius chosen", ("M 44", "NGC 2632", "Beehive")),
    NamedRegion("Alpha Persei", 51.7, 48.8, 4.0, "chosen", ("Melotte 20", "Alpha Per")),
    NamedRegion("M 67", 132.85, 11.81, 0.6, "Dias et al. 2002; radius chosen", ("NGC 2682",)),
    NamedRegion("Taurus", 67.5, 25.0, 8.0, "Kenyon et al. 2008: 4 to 5 h, +16 to +31 deg", ("Taurus-Auriga",)),
    NamedRegion("Rho Ophiuchi", 246.8, -24.5, 1.0, "L1688: Wilking et al. 2008; radius chosen", ("L1688", "rho Oph")),
    NamedRegion(
        "Upper Scorpius",
        242.8,
        -23.4,
        11.0,
        "de Zeeuw et al. 1999: l 343 to 360, b 10 to 30 deg; the circle about its middle",
        ("Upper Sco", "USco"),
    ),
    NamedRegion("Chamaeleon I", 167.0, -77.0, 1.5, "Luhman 2008; radius chosen", ("Cha I",)),
    NamedRegion("Perseus", 54.0, 31.6, 2.6, "chosen: the cloud from NGC 1333 to IC 348", ("Perseus cloud",)),
    NamedRegion("IC 348", 56.14, 32.16, 0.35, "Dias et al. 2002; radius chosen"),
    NamedRegion("NGC 1333", 52.29, 31.35, 0.3, "chosen"),
    NamedRegion("NGC 2264", 100.24, 9.89, 0.7, "Dias et al. 2002; radius chosen", ("Cone Nebula",)),
    NamedRegion("Carina Nebula", 161.265, -59.684, 1.0, "eta Carinae; radius chosen", ("NGC 3372", "Trumpler 16")),
    NamedRegion("Cygnus OB2", 308.29, 41.20, 1.0, "Knoedlseder 2000: two degrees across", ("Cyg OB2",)),
    NamedRegion("Westerlund 1", 251.77, -45.85, 0.1, "chosen", ("Wd 1",)),
    NamedRegion("Galactic Centre", 266.417, -29.008, 0.5, "Sgr A*, Reid & Brunthaler 2004; radius chosen", ("Sgr A*",)),
    NamedRegion("47 Tucanae", 6.024, -72.081, 0.7, "Harris 1996; his tidal radius", ("47 Tuc", "NGC 104")),
    NamedRegion("Omega Centauri", 201.697, -47.480, 0.8, "Harris 1996; his tidal radius", ("NGC 5139", "omega Cen")),
    NamedRegion("LMC", 81.28, -69.78, 8.0, "van der Marel 2001; radius chosen", ("Large Magellanic Cloud",)),
    NamedRegion("SMC", 12.80, -73.15, 4.0, "Cioni et al. 2000; radius chosen", ("Small Magellanic Cloud",)),
    NamedRegion("M 31", 10.685, 41.269, 1.6, "RC3 (de Vaucouleurs et al. 1991): D25", ("Andromeda", "NGC 224")),
    NamedRegion("M 33", 23.462, 30.660, 0.6, "RC3 (de Vaucouleurs et al. 1991): D25", ("Triangulum", "NGC 598")),
)


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()


_BY_NAME = {_key(name): region for region in REGIONS for name in (region.name, *region.others)}


def find_region(name: str) -> NamedRegion | None:
    """Find a region by a name of it; blanks, hyphens, upper and lower case do not matter."""
    return _BY_NAME.get(_key(name))
