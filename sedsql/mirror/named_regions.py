"""Name regions of the sky that people ask for: circles, known without a network."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class NamedRegion:
    """A circle with a name.

    name : as it is listed
    ra, dec, radius : degrees, ICRS; centres are good to a tenth of the radius
    origin : where the centre comes from, and after a semicolon where the radius does; "chosen" is a radius of ours that
        holds most of what is meant
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
    NamedRegion("Orion A", 84.9, -7.0, 3.5, "between NGC 1977 and L1647; radius chosen, which holds both", ("L1641",)),
    NamedRegion("Pleiades", 56.75, 24.12, 2.0, "Dias et al. 2002; radius chosen", ("M 45", "Melotte 22")),
    NamedRegion(
        "Hyades",
        66.72,
        15.87,
        12.0,
        "Dias et al. 2002; radius 10 pc at 46 pc, the tidal one of Perryman et al. 1998",
        ("Melotte 25",),
    ),
    NamedRegion("Praesepe", 130.10, 19.67, 3.0, "Dias et al. 2002; radius chosen", ("M 44", "NGC 2632", "Beehive")),
    NamedRegion(
        "Alpha Persei", 51.617, 48.975, 4.0, "Cantat-Gaudin et al. 2020; radius chosen", ("Melotte 20", "Alpha Per")
    ),
    NamedRegion("M 67", 132.846, 11.814, 0.6, "Cantat-Gaudin et al. 2020; radius chosen", ("NGC 2682",)),
    NamedRegion(
        "Taurus",
        67.5,
        23.5,
        10.4,
        "middle of the field of Kenyon et al. 2008, 4 to 5 h and +16 to +31 deg; radius to its corners",
        ("Taurus-Auriga",),
    ),
    NamedRegion("Rho Ophiuchi", 246.8, -24.5, 1.0, "Wilking et al. 2008, L1688; radius chosen", ("L1688", "rho Oph")),
    NamedRegion(
        "Upper Scorpius",
        242.8,
        -23.4,
        11.0,
        "middle of the field of de Zeeuw et al. 1999, l 343 to 360 and b 10 to 30 deg; radius chosen",
        ("Upper Sco", "USco"),
    ),
    NamedRegion("Chamaeleon I", 167.0, -77.0, 1.5, "Luhman 2008; radius chosen", ("Cha I",)),
    NamedRegion(
        "Perseus", 54.0, 31.6, 2.6, "between NGC 1333 and IC 348; radius chosen, which holds both", ("Perseus cloud",)
    ),
    NamedRegion("IC 348", 56.14, 32.16, 0.35, "Dias et al. 2002; radius chosen"),
    NamedRegion("NGC 1333", 52.27, 31.32, 0.3, "between IRAS 2A, IRAS 4A and BD+30 549; radius chosen"),
    NamedRegion("NGC 2264", 100.24, 9.89, 0.7, "Dias et al. 2002; radius chosen", ("Cone Nebula",)),
    NamedRegion("Carina Nebula", 161.265, -59.684, 1.0, "eta Carinae; radius chosen", ("NGC 3372", "Trumpler 16")),
    NamedRegion("Cygnus OB2", 308.29, 41.20, 1.0, "Knoedlseder 2000; radius his, two degrees across", ("Cyg OB2",)),
    NamedRegion("Westerlund 1", 251.767, -45.851, 0.1, "SIMBAD; radius chosen", ("Wd 1",)),
    NamedRegion("Galactic Centre", 266.417, -29.008, 0.5, "Sgr A*, Reid & Brunthaler 2004; radius chosen", ("Sgr A*",)),
    NamedRegion(
        "47 Tucanae", 6.024, -72.081, 0.7, "Harris 1996, edition of 2010; radius his tidal one", ("47 Tuc", "NGC 104")
    ),
    NamedRegion(
        "Omega Centauri",
        201.697,
        -47.480,
        0.8,
        "Harris 1996, edition of 2010; radius his tidal one",
        ("NGC 5139", "omega Cen"),
    ),
    NamedRegion("LMC", 81.28, -69.78, 8.0, "van der Marel 2001; radius chosen", ("Large Magellanic Cloud",)),
    NamedRegion("SMC", 12.80, -73.15, 4.0, "Cioni et al. 2000; radius chosen", ("Small Magellanic Cloud",)),
    NamedRegion(
        "M 31",
        10.685,
        41.269,
        1.6,
        "RC3 (de Vaucouleurs et al. 1991); radius half of its D25",
        ("Andromeda", "NGC 224"),
    ),
    NamedRegion(
        "M 33",
        23.462,
        30.660,
        0.6,
        "RC3 (de Vaucouleurs et al. 1991); radius half of its D25",
        ("Triangulum", "NGC 598"),
    ),
)


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()


_BY_NAME = {_key(name): region for region in REGIONS for name in (region.name, *region.others)}


def find_region(name: str) -> NamedRegion | None:
    """Find a region by a name of it; blanks, hyphens, upper and lower case do not matter."""
    return _BY_NAME.get(_key(name))
