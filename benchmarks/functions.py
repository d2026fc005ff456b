"""sed_class in a scan: the engines of sedsql against each other and against other libraries that ask the same trees.

Everybody counts the rows of each class of a DuckDB table of simulated magnitudes: sedsql in SQL, libraries of Python on
a DataFrame that they fetch first. All labels are compared once, before anything is timed.
"""

import tempfile
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sedsql.bands import COLUMNS
from sedsql.inference.binding import CLASS_INDEX, INPUT
from sedsql.inference.model import find_models
from sedsql.learn.export import to_onnx
from sedsql.learn.recipes import LITE, SHAPE
from sedsql.learn.training import LabelledTable

from . import forests, peers
from .engines import ENGINES, Photometry, labelled, open_engines, photometry
from .measure import Section, Setting, machine, versions
from .sides import THREADS, Side, compare

CHUNK = 2048
"""Rows that DuckDB hands to a function."""

ROW_GROUP = 122_880
"""Rows that DuckDB's threads take at a time: two of them, an even share for two threads."""

FAINT = 25.0
"""In the place of a missing magnitude, for what takes none."""


@dataclass(frozen=True)
class Size:
    """How large the whole is."""

    rows: int
    slow_rows: int
    training: int
    small: tuple[int, int]
    large: tuple[int, int] | None
    depth_trees: int
    repeats: int


FULL = Size(2 * ROW_GROUP, 24_576, 1500, (30, 16), (60, 31), 100, 3)
QUICK = Size(8192, 1024, 150, (4, 8), None, 20, 1)
"""Iterations and leaves of small and large models."""

QUICK_RECIPE = replace(LITE, trees={**LITE.trees, "max_iter": 3, "max_bins": 15})

PACKAGES = (
    *("onnxruntime", "scikit-learn", "orbital"),
    *("lightgbm", "xgboost", "xgboost-cpu", "lleaves", "treelite", "tl2cgen"),
)


def run(setting: Setting, size: Size | None = None) -> Section:
    size = size or (QUICK if setting.quick else FULL)
    section = Section("sed_class in a scan", quick=setting.quick)
    section.say(
        f"{machine()}; {versions(*PACKAGES)}.",
        f"Counting the classes of {size.rows:,} simulated sources in a DuckDB table (slow sides: the first "
        f"{size.slow_rows:,}). Libraries of Python fetch the table as a DataFrame first, as their users do. Sides in "
        f"turns; median of {size.repeats} runs or more.",
    )
    magnitudes = photometry(size.rows)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries, about their own future
        folder = Path(name)
        for model in ("lite-1", "shape-1", "luminosity-1") if size.large else ("lite-1",):
            _shipped(section, model, magnitudes, size)
        for words, recipe in (("small", LITE), ("large", SHAPE)) if size.large else (("small", QUICK_RECIPE),):
            _pipeline(section, words, recipe, magnitudes, folder, size)
        for words, trees in (("small", size.small), ("large", size.large)):
            if trees:
                _libraries(section, words, *trees, magnitudes, folder, size)
        _orbital(section, magnitudes, folder, size)
        _depth_six(section, magnitudes, folder, size)
    return section


def _engine_sides(opened: dict[str, Photometry], few: dict[str, Photometry], expression: str) -> dict[str, Side]:
    """A side for each engine; plain SQL is asked about fewer rows, which are one thread's."""
    sides = {}
    for engine, one in opened.items():
        asked = few.get(engine, one)
        threads = (1,) if asked is not one else THREADS
        count = partial(asked.counts, expression)
        sides[ENGINES[engine]] = Side(partial(asked.labels, expression), count, asked.rows, threads)
    return sides


def _open(
    section: Section, magnitudes: NDArray[np.float32], models: list[Path] | None, name: str, size: Size
) -> tuple[dict[str, Side], list[Photometry]]:
    """The sides of the engines for a model, and what is to be closed after them."""
    expression = f"sed_class(s, '{name}')"
    opened = open_engines(magnitudes, models, expression, lambda text: section.note(f"{name}, {text}"))
    few = {}
    if "sql" in opened:
        few["sql"] = Photometry("sql", magnitudes[: size.slow_rows], models)
    return _engine_sides(opened, few, expression), [*opened.values(), *few.values()]


def _shipped(section: Section, name: str, magnitudes: NDArray[np.float32], size: Size) -> None:
    """A shipped model in all engines, and ONNX Runtime by itself."""
    model = find_models()[name]
    section.head(f"{name}, the engines")
    sides, opened = _open(section, magnitudes, None, name, size)
    inputs = magnitudes
    if model.extra:
        inputs = np.hstack([magnitudes, np.full((len(magnitudes), len(model.extra)), np.nan, np.float32)])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.graph(), options, providers=["CPUExecutionProvider"])

    def places(threads: int = 1) -> NDArray:
        def part(start: int) -> NDArray:
            return session.run([CLASS_INDEX], {INPUT: inputs[start : start + CHUNK]})[0]

        with ThreadPoolExecutor(threads) as pool:
            return np.concatenate(list(pool.map(part, range(0, len(inputs), CHUNK))))

    sides["ONNX Runtime by itself"] = Side(
        lambda: np.array(model.classes, dtype=object)[places()], lambda n: np.unique(places(n)), len(inputs)
    )
    row = compare(section, sides, size.repeats)
    native, onnx = ENGINES["native"], ENGINES["onnx"]
    if (native, 1) in row and (onnx, 1) in row:
        section.aim(f"{name}: native against the ONNX function, one thread", row[onnx, 1] / row[native, 1], least=4)
    if (native, 2) in row:
        section.aim(f"{name}: native with a second thread", row[native, 1] / row[native, 2], least=1.9)
    if (onnx, 1) in row:
        section.note(
            f"{name}: the ONNX function against ONNX Runtime by itself: "
            f"{row[onnx, 1] / row['ONNX Runtime by itself', 1]:.2f} of its time at one thread"
        )
    _close(opened)


def _pipeline(section, words: str, recipe, magnitudes: NDArray[np.float32], folder: Path, size: Size) -> None:
    """A pipeline of sedsql.learn: scikit-learn on a fetched DataFrame against the model exported from it."""
    pipeline = recipe.fit(_table(size.training), COLUMNS)
    path = forests.write_card(
        folder / f"{words}-pipeline-1", to_onnx(pipeline, len(COLUMNS)), [str(label) for label in pipeline.classes_]
    )
    trees = sum(map(len, pipeline[-1].estimator._predictors))
    section.head(f"A {words} pipeline of scikit-learn ({trees:,} trees)")
    sides, opened = _open(section, magnitudes, [path], path.name, size)
    sides |= _peer_sides(peers.of_pipeline(pipeline), magnitudes, list(pipeline.classes_), opened)
    compare(section, sides, size.repeats)
    _close(opened)


def _table(rows: int) -> LabelledTable:
    """Simulated sources as a labelled table."""
    magnitudes, places, classes = labelled(rows)
    n = len(magnitudes)
    return LabelledTable(
        magnitudes=magnitudes,
        limits=np.zeros(magnitudes.shape, bool),
        parallax=np.tile(np.array([1.0, 0.1], np.float32), (n, 1)),
        labels=np.array(classes)[places],
        cells=np.arange(n),
        origins=np.full(n, "simulated"),
        contradicted=np.zeros(n, bool),
        simulated=np.zeros(n, bool),
        rows=np.arange(1, n + 1),
        about={},
    )


def _peer_sides(
    found: dict[str, peers.Peer], magnitudes: NDArray[np.float32], classes: list[str], opened: list[Photometry]
) -> dict[str, Side]:
    """Sides of libraries, which fetch from the table of the first connection."""
    names = np.array(classes, dtype=object)
    source = opened[0]
    sides = {}
    for name, ask in found.items():

        def count(threads: int, ask=ask):
            source.threads(threads)
            return np.unique(ask(source.fetched(), threads), return_counts=True)

        sides[name] = Side(lambda ask=ask: names[ask(source.fetched(), 1)], count, len(magnitudes))
    return sides


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
    """LightGBM's and XGBoost's trees: in their libraries, in what compiles them, and as models of sedsql."""
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
        sides, opened = _open(section, magnitudes, [path], path.name, size)
        sides |= _peer_sides(found, magnitudes, classes, opened)
        if library == "LightGBM":
            sides["fetching the DataFrame alone"] = Side(None, partial(_fetch, opened[0]), len(magnitudes))
        compare(section, sides, size.repeats)
        _close(opened)


def _orbital(section: Section, magnitudes: NDArray[np.float32], folder: Path, size: Size) -> None:
    """scikit-learn as SQL by orbital, which takes no missing values and few estimators: gradient boosting is one."""
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
        sides, opened = _open(section, filled, [path], path.name, size)
        few = Photometry("onnx", filled if size.large else filled[: size.slow_rows])
        for way, query in zip(("orbital", "orbital, a column a tree"), queries, strict=False):
            source = f"({query})"
            labels = partial(few.labels, "output_label", source)
            sides[way] = Side(labels, partial(few.counts, "output_label", source=source), few.rows, (1,))
        row = compare(section, sides, size.repeats)
        if ("native", 1) in row and queries:
            best = min(row[way, 1] for way in sides if way.startswith("orbital"))
            section.aim(f"native against orbital, {words}, one thread", best / row["native", 1], least=50)
        _close([*opened, few])


def _depth_six(section: Section, magnitudes: NDArray[np.float32], folder: Path, size: Size) -> None:
    """What a tree costs: full trees of depth 6."""
    classes = [f"class_{number}" for number in range(10)]
    trees = forests.full(size.depth_trees, 6, len(classes), magnitudes)
    path = forests.write_model(folder / "full-1", trees, classes)
    section.head(f"{len(trees)} full trees of depth 6")
    sides, opened = _open(section, magnitudes, [path], path.name, size)
    row = compare(section, sides, size.repeats)
    if ("native", 1) in row:
        section.aim("native, ns a row and tree of depth 6", row["native", 1] / len(trees) * 1e9, most=10)
    _close(opened)


def _close(opened: Sequence[Photometry]) -> None:
    for one in opened:
        one.close()
