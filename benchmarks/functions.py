"""Measure sed_class in a scan: the engines of sedsql against each other and against scikit-learn."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sedsql.inference.binding import CLASS_INDEX, INPUT
from sedsql.inference.model import find_models
from sedsql.learn.export import to_onnx
from sedsql.learn.recipes import LITE, SHAPE
from sedsql.learn.training import LabelledTable
from sedsql.photometry.bands import COLUMNS

from . import forests, peers
from .competitors import Competitor, compare
from .engines import ENGINES, labelled
from .measure import Section, Setting
from .races import Size, close, open_competitors, peer_competitors, races

CHUNK = 2048
"""The number of rows that DuckDB passes to a function."""

QUICK_RECIPE = replace(LITE, trees={**LITE.trees, "max_iter": 3, "max_bins": 15})


def run(setting: Setting) -> Section:
    with races("sed_class in a scan", setting, ("onnxruntime", "scikit-learn")) as (section, size, magnitudes, folder):
        for model in ("lite-2", "shape-2", "luminosity-2") if size.large else ("lite-2",):
            _shipped(section, model, magnitudes, size)
        for words, recipe in (("small", LITE), ("large", SHAPE)) if size.large else (("small", QUICK_RECIPE),):
            _pipeline(section, words, recipe, magnitudes, folder, size)
    return section


def _shipped(section: Section, name: str, magnitudes: NDArray[np.float32], size: Size) -> None:
    """Measure a shipped model in all engines, and in ONNX Runtime by itself."""
    model = find_models()[name]
    section.head(f"{name}, the engines")
    competitors, opened = open_competitors(section, magnitudes, None, name, size)
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

    competitors["ONNX Runtime by itself"] = Competitor(
        lambda: np.array(model.classes, dtype=object)[places()], lambda n: np.unique(places(n)), len(inputs)
    )
    row = compare(section, competitors, size.repeats)
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
    close(opened)


def _pipeline(section, words: str, recipe, magnitudes: NDArray[np.float32], folder: Path, size: Size) -> None:
    """Measure a pipeline of sedsql.learn: scikit-learn on a fetched DataFrame against the model exported from it."""
    pipeline = recipe.fit(table_of(size.training), COLUMNS)
    path = forests.write_card(
        folder / f"{words}-pipeline-1", to_onnx(pipeline, len(COLUMNS)), [str(label) for label in pipeline.classes_]
    )
    trees = sum(map(len, pipeline[-1].estimator._predictors))
    section.head(f"A {words} pipeline of scikit-learn ({trees:,} trees)")
    competitors, opened = open_competitors(section, magnitudes, [path], path.name, size)
    competitors |= peer_competitors(peers.of_pipeline(pipeline), magnitudes, list(pipeline.classes_), opened)
    compare(section, competitors, size.repeats)
    close(opened)


def table_of(rows: int) -> LabelledTable:
    """Simulate sources as a labelled table."""
    magnitudes, places, classes = labelled(rows)
    n = len(magnitudes)
    return LabelledTable(
        magnitudes=magnitudes,
        limits=np.zeros(magnitudes.shape, bool),
        parallax=np.tile(np.array([1.0, 0.1], np.float32), (n, 1)),
        positions=np.full((n, 2), np.nan, np.float32),
        labels=np.array(classes)[places],
        cells=np.arange(n),
        origins=np.full(n, "simulated"),
        contradicted=np.zeros(n, bool),
        simulated=np.zeros(n, bool),
        rows=np.arange(1, n + 1),
        about={},
    )
