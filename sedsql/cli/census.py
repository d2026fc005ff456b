"""Define the `sedsql census` command: the sources of each class on the sky, and how many a model finds."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from sedsql import progress
from sedsql.cli.options import Json, ModelFolders, model_named, needs_training
from sedsql.cli.render import print_rows, say
from sedsql.cli.render_evaluation import print_sky
from sedsql.files.json import to_json
from sedsql.inference.model import Model
from sedsql.photometry.bands import BANDS
from sedsql.simulate import POPULATIONS
from sedsql.simulate.census import ZONES, Sky, join_skies, natural
from sedsql.simulate.published import MATCHED, PUBLISHED

app = typer.Typer()

MAGNITUDES = (0.0, 13.0, 15.0, 17.0, 19.0, 22.0)
"""Edges of the census's bins of G."""


@app.command()
def census(
    rows: Annotated[
        int | None,
        typer.Option(
            "--rows",
            "-n",
            help="Sources to simulate of each class: 20,000; with --model 5,000, but 50,000 dwarfs and giants.",
            min=100,
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Measure how good this model is on such a sky.", show_default=False)
    ] = None,
    models: ModelFolders = None,
    oracle: Annotated[
        bool,
        typer.Option(
            "--oracle", help="With --model: also fit a classifier to the simulation itself; takes some minutes."
        ),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(help="With --model: draw purity and completeness of each class into this folder."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every random choice.", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Tell how many sources of each class Gaia DR3 has, by magnitude and distance from the Galactic plane.

    The number of each class is a published one; a simulated Galaxy divides it by magnitude and latitude. The simulation
    also gives the shares of sources with a parallax, BP and RP, and a match in 2MASS and AllWISE; they are printed
    beside the published shares.

    With --model, purity and completeness of each class, and the number of sources that the model expects, among
    simulated sources in these numbers.

    Example: `sedsql census`

    Example: `sedsql census --model luminosity-2 --plot figures`
    """
    if model is not None:
        _report(model_named(model, models), rows, seed, oracle, plot, as_json)
        return
    if oracle or plot:
        raise typer.BadParameter("--oracle and --plot go with --model NAME")
    rows = rows or 20_000
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


def _report(model: Model, rows: int | None, seed: int, oracle: bool, plot: Path | None, as_json: bool) -> None:
    with needs_training():
        from sedsql.learn import sky_report
    with progress.steps("trying on a simulated sky", sky_report.STEPS + oracle) as step:
        found = sky_report.report(model, rows or sky_report.ROWS, seed, oracle=oracle, step=step)
    if plot:
        _draw(found, plot)
    if as_json:
        print(to_json(found))
        return
    print_sky(found)
    if plot:
        say(f"Purity and completeness of simulated sources drawn into {plot}")


def _draw(found: dict, target: Path) -> None:
    from sedsql.plot.panels import panels
    from sedsql.plot.style import save

    target.mkdir(parents=True, exist_ok=True)
    best = found.get("oracle", {})
    for name, places, label in (
        ("by_threshold", "thresholds", "least probability at which a source is called so"),
        ("by_g", "edges", "G [mag]"),
        ("by_latitude", "edges", "|b| [degrees]"),
    ):
        figure = panels(
            found[name]["classes"],
            found[name][places],
            label,
            f"{found['model']}, simulated sky",
            best.get(name, {}).get("classes"),
        )
        save(figure, target / f"{name}.png", force=True)


def class_shares(sky: Sky) -> dict[str, dict[str, float]]:
    """Return the share of each class, 0 to 1, in all sources, in ranges of G and in zones of |b|."""
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
    """Return the shares of MATCHED, for simulated sources."""
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
