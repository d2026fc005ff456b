import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from threadpoolctl import threadpool_limits

from sedsql.bands import COLUMNS
from sedsql.inference.model import Model
from sedsql.learn import build, training
from sedsql.simulate import simulate

KINDS = ("main_sequence", "giant", "yso", "agb_oxygen", "white_dwarf")
ROWS = 300


@pytest.fixture(scope="session")
def labelled_file(tmp_path_factory):
    """A table of simulated sources with positions and labels, as a user would bring one."""
    rng = np.random.default_rng(0)
    magnitudes = np.concatenate([simulate(kind, ROWS, rng).magnitudes for kind in KINDS]).astype(np.float32)
    n = len(magnitudes)
    table = pa.table(
        {
            "ra": rng.uniform(0, 360, n),
            "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, n))),
            "kind": np.repeat(KINDS, ROWS),
            **{name: pa.array(magnitudes[:, i], from_pandas=True) for i, name in enumerate(COLUMNS)},
        }
    )
    path = tmp_path_factory.mktemp("labelled") / "simulated.parquet"
    pq.write_table(table, path)
    return path


@pytest.fixture(scope="session")
def labelled(labelled_file):
    return training.read_labelled(labelled_file, "kind")


@pytest.fixture(scope="session")
def built(labelled, tmp_path_factory):
    """A model trained on that table, and the scikit-learn classifier that it was exported from."""
    folder = tmp_path_factory.mktemp("models") / "small-1"
    folder.mkdir()
    with threadpool_limits(1):  # for a table this small, threads cost more than they bring
        classifier = build.fit_classifier(labelled)
    build.write_model(classifier, labelled, folder, name="small-1")
    return Model.read(folder), classifier
