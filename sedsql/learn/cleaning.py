"""Mend labels joined from the literature, by rules that each have a reason.

The rules are for the classes of the shipped models (docs/models.md), and `sedsql train --clean` applies them. They test
what a label implies: a luminosity, a colour, a spectral type.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedsql.photometry.bands import COLUMNS
from sedsql.photometry.sed import alpha, stage
from sedsql.simulate.astrometry import expected_parallax_error

LEFT_OUT = ""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Labels:
    """The columns that rules test, arrays of shape (n,).

    m_g, m_ks : absolute magnitudes by the parallax, NaN where it is less than five times its error (Gaia's error at the
        same G, where the table has none)
    stage : by the infrared spectral index, '' without one
    sublabel : the label in the words of the original catalogue
    """

    label: NDArray[np.str_]
    bp_rp: NDArray[np.floating]
    j_ks: NDArray[np.floating]
    g_ks: NDArray[np.floating]
    m_g: NDArray[np.floating]
    m_ks: NDArray[np.floating]
    stage: NDArray[np.str_]
    spectral_type: NDArray[np.str_]
    sublabel: NDArray[np.str_]
    name: NDArray[np.str_]

    @classmethod
    def of(cls, labels, magnitudes, parallax, spectral_type, sublabel, name) -> "Labels":
        """Derive the columns from magnitudes, shape (n, 10), parallaxes with errors in mas, (n, 2), and texts, (n,)."""
        g, bp, rp, j, _, ks = magnitudes[:, : COLUMNS.index("ks_m") + 1].astype(np.float64).T
        value, error = parallax.astype(np.float64).T
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.where(np.isnan(error), expected_parallax_error(np.nan_to_num(g, nan=20.0)), error)
            good = value > 5 * error
            modulus = np.where(good, 5 * np.log10(np.where(good, value, 1) / 100), np.nan)
        stages = np.array([one or "" for one in stage(alpha(magnitudes))])
        return cls(labels, bp - rp, j - ks, g - ks, g + modulus, ks + modulus, stages, spectral_type, sublabel, name)

    def spectrum(self, *letters: str) -> Mask:
        return np.isin(self.spectral_type.astype("U1"), letters)


@dataclass(frozen=True)
class Rule:
    """A rule that gives rows of one label another label, or leaves them out (LEFT_OUT)."""

    of: str
    becomes: str
    reason: str
    where: Callable[[Labels], Mask]


_DISCS = ("D", "P", "I", "0/I", "flat", "II", "full", "evolved", "transitional")
"""Sublabels of young stars with a disc or an envelope: Megeath et al. 2012, AJ 144, 192 (D, P); stages; Luhman &
Mamajek 2012, ApJ 758, 31 (full, evolved, transitional)."""


def _red(t: Labels) -> Mask:
    """Tell which sources are as red as giants: BP - RP > 0.95, or G - Ks > 1.7 where BP or RP is missing."""
    return np.where(np.isnan(t.bp_rp), t.g_ks > 1.7, t.bp_rp > 0.95)


def _no_photosphere_so_warm(t: Labels) -> Mask:
    return (t.bp_rp < 1.3) & (t.j_ks < 0.7)


RULES = (
    Rule("massive", "wolf_rayet", "the spectral type is a Wolf-Rayet star's", lambda t: t.spectrum("W")),
    Rule("main_sequence", "giant", "above the main sequence by 2 mag and red: M_G < 3.2, BP-RP > 0.95",
         lambda t: (t.m_g < 3.2) & _red(t)),
    Rule("giant", "main_sequence", "on the main sequence: M_G > 4.5", lambda t: t.m_g > 4.5),
    Rule("agb_carbon", LEFT_OUT, "a photosphere too warm for carbon bands: BP-RP < 1.3, J-Ks < 0.7",
         _no_photosphere_so_warm),
    Rule("agb_oxygen", LEFT_OUT, "a photosphere too warm for an AGB star: BP-RP < 1.3, J-Ks < 0.7 (HIP 32480 is G0V)",
         _no_photosphere_so_warm),
    Rule("giant", LEFT_OUT, "a symbiotic recurrent nova (RS Oph)", lambda t: np.char.find(t.name, "RS Oph") >= 0),
    Rule("supergiant", LEFT_OUT, "too faint by its parallax, M_Ks > -4.5: another star's match, or a giant",
         lambda t: t.m_ks > -4.5),
    Rule("agn", LEFT_OUT, "within the Galaxy by its parallax", lambda t: np.isfinite(t.m_g)),
    Rule("white_dwarf", LEFT_OUT, "too luminous by its parallax: M_G < 7", lambda t: t.m_g < 7),
    Rule("yso", LEFT_OUT, "O and B stars of young clusters, whose SED is a hot star's", lambda t: t.spectrum("O", "B")),
    Rule("yso", "yso_discless", "no excess: stage III by the spectral index, or by its own catalogue",
         lambda t: ((t.stage == "III") & ~np.isin(t.sublabel, _DISCS[-3:])) | (t.sublabel == "III")),
    Rule("yso", LEFT_OUT, "nothing tells whether there is a disc: no index, and the catalogue does not say",
         lambda t: (t.stage == "") & ~np.isin(t.sublabel, _DISCS)),
)  # fmt: skip


def cleaned(table: Labels) -> tuple[NDArray[np.str_], list[tuple[Rule, int]]]:
    """Return new labels, LEFT_OUT for rows to drop, and how many rows each rule changed; the first that fits wins."""
    # Arrays of text have a fixed width; it must not cut a new label short.
    labels = table.label.astype(np.result_type(table.label.dtype, np.array([rule.becomes for rule in RULES]).dtype))
    done = np.zeros(len(labels), bool)
    changed = []
    with np.errstate(invalid="ignore"):
        for rule in RULES:
            rows = (table.label == rule.of) & ~done & rule.where(table)
            labels[rows] = rule.becomes
            done |= rows
            changed.append((rule, int(rows.sum())))
    return labels, changed
