"""Measure trees of other libraries in a scan: in the libraries, compiled, as SQL, and as models of sedsql."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sedsql.photometry.bands import COLUMNS

from . import forests, peers
from .competitors import Competitor, compare
from .engines import Photometry, labelled
from .measure import Section, Setting
from .races import Size, close, open_competitors, peer_competitors, races

PACKAGES = (
    *("onnxruntime", "scikit-learn", "orbital"),
    *("lightgbm", "xgboost", "xgboost-cpu", "lleaves", "treelite", "tl2cgen"),
)

FAINT = 25.0
"""Stands for a missing magnitude in libraries that accept none."""


def run(setting: Setting) -> Section:
    with races("Trees of other libraries in a scan", setting, PACKAGES) as (section, size, magnitudes, folder):
        for words, trees in (("small", size.small), ("large", size.large)):
            if trees:
                _libraries(section, words, *trees, magnitudes, folder, size)
        _orbital(section, magnitudes, folder, size)
        _depth_six(section, magnitudes, folder, size)
    return section


def _fetch(source: Photometry, threads: int) -> None:
    source.threads(threads)
    source.fetched()


def _libraries(
    section: Section,
    words: str,
    iterations: int,
    leaves: int,
    magnitudes: NDArray[np.float32],
    folder: Path,
    size: Size,
) -> None:
    """Measure LightGBM's and XGBoost's trees in their libraries, compiled, and as models of sedsql."""
    X, y, classes = labelled(size.training)
    about = f"{iterations * len(classes):,} trees of {leaves} leaves"
    kinds = {
        "LightGBM": (peers.train_lightgbm, forests.of_lightgbm, partial(peers.of_lightgbm, folder=folder)),
        "XGBoost": (peers.train_xgboost, forests.of_xgboost, peers.of_xgboost),
    }
    for library, (train, trees_of, peers_of) in kinds.items():
        section.head(f"The trees of {library}, {words} ({about})")
        booster, found = None, {}
        with peers.optional(library, section.note):
            booster = train(X, y, iterations, leaves)
            found = peers_of(booster, note=section.note)
        if booster is None:
            continue
        path = forests.write_model(folder / f"{words}-{library.lower()}-1", trees_of(booster), classes)
        competitors, opened = open_competitors(section, magnitudes, [path], path.name, size)
        competitors |= peer_competitors(found, magnitudes, classes, opened)
        if library == "LightGBM":
            competitors["fetching the DataFrame alone"] = Competitor(None, partial(_fetch, opened[0]), len(magnitudes))
        compare(section, competitors, size.repeats)
        close(opened)


def _orbital(section: Section, magnitudes: NDArray[np.float32], folder: Path, size: Size) -> None:
    """Measure gradient boosting as SQL by orbital, which takes no missing values and only few estimators."""
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.pipeline import make_pipeline

    filled = np.where(np.isfinite(magnitudes), magnitudes, np.float32(FAINT))
    X, y, classes = labelled(size.training)
    X = np.where(np.isfinite(X), X, np.float32(FAINT))
    for words, count, depth in (("small", 10, 3), ("large", 30, 4)) if size.large else (("small", 1, 3),):
        boosting = GradientBoostingClassifier(n_estimators=count, max_depth=depth, random_state=0)
        pipeline = make_pipeline(boosting).fit(X, np.array(classes)[y])
        trees, base = forests.of_gradient_boosting(boosting)
        section.head(f"Gradient boosting as SQL by orbital, {words} ({len(trees)} trees of depth {depth})")
        queries: list[str] = []
        with peers.optional("orbital", section.note):
            queries = peers.orbital_queries(pipeline, COLUMNS, "photometry")
        path = forests.write_model(folder / f"{words}-boosting-1", trees, classes, base)
        competitors, opened = open_competitors(section, filled, [path], path.name, size)
        few = Photometry("onnx", filled if size.large else filled[: size.slow_rows])
        for way, query in zip(("orbital", "orbital, a column a tree"), queries, strict=False):
            source = f"({query})"
            labels = partial(few.labels, "output_label", source)
            competitors[way] = Competitor(labels, partial(few.counts, "output_label", source=source), few.rows, (1,))
        row = compare(section, competitors, size.repeats)
        if ("native", 1) in row and queries:
            best = min(row[way, 1] for way in competitors if way.startswith("orbital"))
            section.aim(f"native against orbital, {words}, one thread", best / row["native", 1], least=50)
        close([*opened, few])


def _depth_six(section: Section, magnitudes: NDArray[np.float32], folder: Path, size: Size) -> None:
    """Measure the cost of one tree, with full trees of depth 6."""
    classes = [f"class_{number}" for number in range(10)]
    trees = forests.full(size.depth_trees, 6, len(classes), magnitudes)
    path = forests.write_model(folder / "full-1", trees, classes)
    section.head(f"{len(trees)} full trees of depth 6")
    competitors, opened = open_competitors(section, magnitudes, [path], path.name, size)
    row = compare(section, competitors, size.repeats)
    if ("native", 1) in row:
        section.aim("native, ns a row and tree of depth 6", row["native", 1] / len(trees) * 1e9, most=10)
    close(opened)
