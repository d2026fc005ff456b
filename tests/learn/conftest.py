from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from threadpoolctl import threadpool_limits

from sedsql.inference.model import Model
from sedsql.learn import build, corrections, prior, training
from sedsql.learn.crossvalidation import out_of_fold, sky_folds
from sedsql.learn.recipes import LUMINOSITY, SHAPE, SKY
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate

KINDS = ("main_sequence", "giant", "yso", "agb_oxygen", "white_dwarf")
ROWS = 300


@pytest.fixture(scope="session")
def labelled_file(tmp_path_factory):
    """Make a table of simulated sources with positions and labels, like a user's."""
    rng = np.random.default_rng(0)
    samples = [simulate(kind, ROWS, rng) for kind in KINDS]
    magnitudes = np.concatenate([sample.magnitudes for sample in samples]).astype(np.float32)
    distance = np.concatenate([sample.distance_pc for sample in samples])
    n = len(magnitudes)
    table = pa.table(
        {
            "ra": rng.uniform(0, 360, n),
            "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, n))),
            "kind": np.repeat(KINDS, ROWS),
            "parallax": 1000 / distance,
            **{name: pa.array(magnitudes[:, i], from_pandas=True) for i, name in enumerate(COLUMNS)},
        }
    )
    path = tmp_path_factory.mktemp("labelled") / "simulated.parquet"
    pq.write_table(table, path)
    return path


@pytest.fixture(scope="session")
def labelled(labelled_file):
    return training.read_labelled(labelled_file, "kind")


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Use one thread, because tables are so small that threads cost more than they gain."""
    with threadpool_limits(1):
        yield


def _small(recipe):
    return replace(recipe, trees={**recipe.trees, "max_iter": 12, "learning_rate": 0.3})


@pytest.fixture(scope="session")
def small_shape():
    """Return the recipe of shape-2 with few trees."""
    return _small(SHAPE)


@pytest.fixture(scope="session")
def validated(labelled, small_shape):
    """Cross-validate the recipe on the table."""
    return out_of_fold(small_shape, labelled, sky_folds(labelled, folds=3))


@pytest.fixture(scope="session")
def built(labelled, validated, small_shape, tmp_path_factory):
    """Return a model trained on that table, and the scikit-learn classifier from which it was exported."""
    return _built(labelled, validated, small_shape, tmp_path_factory.mktemp("models") / "small-1")


@pytest.fixture(scope="session")
def luminous(labelled, validated, tmp_path_factory):
    """Return the same for a model that takes parallaxes; it is calibrated like the one without."""
    return _built(labelled, validated, _small(LUMINOSITY), tmp_path_factory.mktemp("models") / "luminous-1")


@pytest.fixture(scope="session")
def celestial(labelled, validated, tmp_path_factory):
    """Return the same for a model that also takes positions and has the prior of the sky, of few simulated sources."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prior, "_ROWS", 6_000)
        patch.setattr(corrections, "_ROWS", {})
        patch.setattr(corrections, "_OTHERS", 2_000)
        return _built(labelled, validated, _small(SKY), tmp_path_factory.mktemp("models") / "celestial-1")


def _built(labelled, validated, recipe, folder):
    folder.mkdir()
    classifier = recipe.fit(labelled, labelled.columns)
    build.write_model(classifier, validated, recipe, labelled, folder, name=folder.name)
    return Model.read(folder), classifier
