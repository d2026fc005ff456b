"""The command that tells how many sources of each class the sky has."""

from itertools import pairwise
from typing import Annotated

import numpy as np
import typer

from . import progress
from .bands import BANDS
from .cli_options import Json
from .jsontext import to_json
from .show import print_rows, say
from .simulate import POPULATIONS
from .simulate.census import ZONES, Sky, join_skies, natural
from .simulate.published import MATCHED, PUBLISHED

app = typer.Typer()

MAGNITUDES = (0.0, 13.0, 15.0, 17.0, 19.0, 22.0)
"""Edges in G of what the census is told by."""


@app.command()
def census(
    rows: Annotated[int, typer.Option("--rows", "-n", help="Sources to simulate of each class.", min=100)] = 20_000,
    seed: Annotated[int, typer.Option(help="Of every random choice.", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Tell how many sources of each class Gaia DR3 has, by magnitude and distance from the Galactic plane.

    The number of a class is a published one; how it is divided comes from a model of the Galaxy. So does how many have
    a parallax, BP and RP, and a match in 2MASS and AllWISE, which is printed beside what is published.

    Example: `sedsql census`
    """
    rng, parts = np.random.default_rng(seed), []
    with progress.steps("simulating", len(POPULATIONS)) as step:
        for label in POPULATIONS:
            step(label)
            parts.append(natural({label: rows}, rng))
    sky = join_skies(parts)
    shares, bands = class_shares(sky), band_shares(sky)
    if as_json:
        print(to_json({"rows": rows, "seed": seed, "classes": _figures(sky, shares), "shares": bands}))
        return
    print_rows(
        ["class", "in Gaia DR3", "what", "source"],
        [(label, f"{one.number:,.0f}", one.definition, one.source) for label, one in PUBLISHED.items()],
    )
    say("\nShare of each class among all sources, by G and by |b| in degrees")
    print_rows(
        ["class", *shares[label]],
        [(label, *(f"{share:.2g}" for share in mine.values())) for label, mine in shares.items()],
    )
    say("\nShare of all sources")
    print_rows(
        ["", "simulated", "published"], [(name, round(found, 3), MATCHED[name]) for name, found in bands.items()]
    )


def class_shares(sky: Sky) -> dict[str, dict[str, float]]:
    """Share of each class in all sources, in those of a range of G, and in those of a zone of |b|; 0 to 1."""
    g, b = sky.sample.magnitudes[:, 0], np.abs(sky.sample.glat)
    ranges = {"all": np.ones(len(sky), dtype=bool)}
    for low, high in pairwise(MAGNITUDES):
        ranges[f"G {low:.0f}-{high:.0f}"] = (g >= low) & (g < high)
    for low, high in pairwise(ZONES):
        ranges[f"b {low:.0f}-{high:.0f}"] = (b >= low) & (b < high)
    return {
        label: {
            name: float(sky.weights[chosen & (sky.labels == label)].sum() / sky.weights[chosen].sum())
            for name, chosen in ranges.items()
        }
        for label in POPULATIONS
    }


def band_shares(sky: Sky) -> dict[str, float]:
    """What MATCHED has, of simulated sources."""
    magnitudes = sky.sample.magnitudes
    seen, g = np.isfinite(magnitudes), magnitudes[:, 0]
    found = (
        g < 17,
        g < 19,
        seen[:, 1] & seen[:, 2],
        np.isfinite(sky.parallax),
        seen[:, 3:6].any(axis=1),
        seen[:, 6:].any(axis=1),
    )
    return {
        name: float(sky.weights[chosen].sum() / sky.weights.sum()) for name, chosen in zip(MATCHED, found, strict=True)
    }


def _figures(sky: Sky, shares: dict[str, dict[str, float]]) -> dict[str, dict]:
    figures = {}
    for label, one in PUBLISHED.items():
        mine = sky.labels == label
        weights, seen = sky.weights[mine], np.isfinite(sky.sample.magnitudes[mine])
        figures[label] = {
            "number": one.number,
            "what": one.definition,
            "source": one.source,
            "effective_rows": round(weights.sum() ** 2 / (weights**2).sum()),
            "shares": shares[label],
            "bands": {band.short: float(weights[seen[:, k]].sum() / weights.sum()) for k, band in enumerate(BANDS)},
        }
    return figures
