"""Wrap other libraries that evaluate trees, each as a function from magnitudes and threads to places of classes.

All are optional: pip install -e '.[bench]' (the Makefile's `bench` installs orbital, which asks for an older onnx).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sedsql.photometry.bands import COLUMNS

from . import forests

Peer = Callable[[NDArray[np.float32], int], NDArray]
"""A function from magnitudes (n, 10), missing = NaN, and a number of threads to places among the classes (n,)."""

Note = Callable[[str], None]


@contextmanager
def optional(name: str, note: Note) -> Iterator[None]:
    """Run a block that needs a package; if it is missing or fails, note that and go on."""
    try:
        yield
    except ImportError as error:
        note(f"{name}: not measured, because `{error.name}` is not installed")
    except Exception as error:  # other libraries may raise anything
        note(f"{name}: not measured: {' '.join(str(error).split())[:200] or type(error).__name__}")


def train_lightgbm(X: NDArray[np.float32], y: NDArray[np.int64], iterations: int, leaves: int):
    """Train a LightGBM booster whose leaf values are rounded like ours."""
    import lightgbm

    booster = lightgbm.train(
        {
            "objective": "multiclass",
            "num_class": int(y.max()) + 1,
            "num_leaves": leaves,
            "learning_rate": 0.1,
            "min_data_in_leaf": 8,
            "verbosity": -1,
            "seed": 0,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
        },
        lightgbm.Dataset(X, y),
        num_boost_round=iterations,
    )
    for place, tree in enumerate(booster.dump_model()["tree_info"]):
        for leaf in range(tree["num_leaves"]):
            value = float(forests.rounded(booster.get_leaf_output(place, leaf)))
            booster.set_leaf_output(place, leaf, value)
    return booster


def train_xgboost(X: NDArray[np.float32], y: NDArray[np.int64], iterations: int, leaves: int):
    """Train an XGBoost booster of the same number of trees and leaves."""
    import xgboost

    return xgboost.train(
        {
            "objective": "multi:softprob",
            "num_class": int(y.max()) + 1,
            "tree_method": "hist",
            "grow_policy": "lossguide",
            "max_leaves": leaves,
            "max_depth": 0,
            "eta": 0.1,
            "base_score": 0.0,
            "seed": 0,
            "nthread": 1,
            "verbosity": 0,
        },
        xgboost.DMatrix(X, y),
        num_boost_round=iterations,
    )


def of_lightgbm(booster, folder: Path, note: Note) -> dict[str, Peer]:
    """Return all libraries that can evaluate the trees of a LightGBM booster."""
    peers: dict[str, Peer] = {
        "LightGBM": lambda X, threads: booster.predict(X, raw_score=True, num_threads=threads).argmax(axis=1)
    }
    file = folder / "lightgbm.txt"
    booster.save_model(file)
    with optional("lleaves", note):
        import lleaves

        compiled = lleaves.Model(model_file=file)
        compiled.compile()
        peers["lleaves"] = lambda X, threads: compiled.predict(X.astype(np.float64), n_jobs=threads).argmax(axis=1)
    with optional("treelite", note):
        import treelite

        model = treelite.frontend.load_lightgbm_model(str(file))
        peers["treelite"] = lambda X, threads: _places(
            treelite.gtil.predict(model, X.astype(np.float64), nthread=threads, pred_margin=True)
        )
    with optional("tl2cgen", note):
        import tl2cgen

        library = folder / "trees.so"
        model = treelite.frontend.load_lightgbm_model(str(file))
        # The trees are compiled in pieces with little optimising; otherwise the large model takes an hour.
        tl2cgen.export_lib(
            model,
            toolchain="gcc",
            libpath=str(library),
            params={"parallel_comp": 32, "quantize": 1},
            options=["-O1"],
        )
        predictor = cache(lambda threads: tl2cgen.Predictor(str(library), nthread=threads))
        peers["treelite, as C (tl2cgen)"] = lambda X, threads: _places(
            predictor(threads).predict(tl2cgen.DMatrix(X.astype(np.float64)), pred_margin=True)
        )
    return _tried(peers, note)


def of_xgboost(booster, note: Note) -> dict[str, Peer]:
    def ask(X, threads):
        booster.set_param({"nthread": threads})
        return booster.inplace_predict(X, predict_type="margin").argmax(axis=1)

    return _tried({"XGBoost": ask}, note)


def of_pipeline(pipeline) -> dict[str, Peer]:
    """Return a scikit-learn pipeline, whose trees share the threads of OpenMP."""
    from threadpoolctl import threadpool_limits

    def ask(X, threads):
        with threadpool_limits(threads):
            return np.searchsorted(pipeline.classes_, pipeline.predict(X))

    return {"scikit-learn": ask}


def orbital_queries(pipeline, columns, table: str) -> list[str]:
    """Write the pipeline as DuckDB SQL over a table, in the two ways that orbital has."""
    import orbital
    from orbital import types

    parsed = orbital.parse_pipeline(pipeline, features={column: types.FloatColumnType() for column in columns})
    return [orbital.export_sql(table, parsed, dialect="duckdb", separate_trees=separate) for separate in (False, True)]


def _tried(peers: dict[str, Peer], note: Note) -> dict[str, Peer]:
    """Keep the libraries that answer at all."""
    able = {}
    for name, ask in peers.items():
        with optional(name, note):
            for threads in (1, 2):
                ask(np.full((4, len(COLUMNS)), 15.0, np.float32), threads)
            able[name] = ask
    return able


def _places(scores: NDArray) -> NDArray:
    """Return the places of the highest scores; some libraries give scores of shape (n, 1, classes)."""
    return scores.reshape(len(scores), -1).argmax(axis=1)
