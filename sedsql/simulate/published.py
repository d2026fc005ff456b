"""List published numbers of sources of each class in Gaia DR3."""

from dataclasses import dataclass

from sedsql.simulate.populations import POPULATIONS

TOTAL = 1_811_709_771
"""The number of sources of Gaia DR3 (Gaia Collaboration, Vallenari et al. 2023, A&A 674, A1)."""


@dataclass(frozen=True)
class Published:
    """The number of sources of a class in Gaia DR3, what was counted, and by whom."""

    number: float
    definition: str
    source: str


PUBLISHED: dict[str, Published] = {
    "giant": Published(1.8e8, "about 10 %: 14 % of G < 20, fewer of the fainter", "Robin et al. 2012, A&A 543, A100"),
    "supergiant": Published(9e3, "about; 5,000 red ones expected, and the warmer", "A&A 698, A282 (2025)"),
    "agb_oxygen": Published(
        7e5, "about; 0.47e6 candidates in WISE, 1.72e6 long-period variables in Gaia",
        "arXiv:1207.0294; Lebzelter et al. 2023, A&A 674, A15",
    ),
    "agb_carbon": Published(4e4, "about; 15,740 in the golden sample", "Creevey et al. 2023, A&A 674, A39"),
    "yso": Published(5e5, "about; with disc or envelope, half of those young", "Marton et al. 2019, MNRAS 487, 2522"),
    "yso_discless": Published(6e5, "about; 40 to 60 % of the young", "Mamajek 2009, AIP Conf. Proc. 1158, 3"),
    "white_dwarf": Published(1.3e6, "candidates", "Gentile Fusillo et al. 2021, MNRAS 508, 3877"),
    "brown_dwarf": Published(94_158, "about; ultracool dwarfs", "Sarro et al. 2023, A&A 669, A139"),
    "agn": Published(1.9e6, "the purer sample of quasars", "Bailer-Jones et al. 2023, A&A 674, A41"),
    "wolf_rayet": Published(600, "about; 663 known in the Galaxy", "Rate & Crowther 2020, MNRAS 493, 1512"),
    "massive": Published(1e6, "about; O and B stars", "Zari et al. 2021, A&A 650, A112"),
}  # fmt: skip
_REST = TOTAL - sum(one.number for one in PUBLISHED.values())
PUBLISHED["main_sequence"] = Published(_REST, "with subgiants: the rest", "")
PUBLISHED = {name: PUBLISHED[name] for name in POPULATIONS}
"""The published numbers by class."""

MATCHED = {"G < 17": 0.0804, "G < 19": 0.311, "BP and RP": 0.85, "parallax": 0.81, "2MASS": 0.25, "AllWISE": 0.179}
"""Shares of all sources: G <= 17 with five parameters (145,677,450: A&A 677, A137, 2023), G < 19
(Gaia DR3 documentation, 12.3.5; at least 563e6), BP and RP and parallaxes (Gaia Collaboration, Vallenari et al. 2023),
rows of the archive's tables of matches (AllWISE 324e6; 2MASS about 450e6)."""
