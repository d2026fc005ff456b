"""A card, a graph or bounds that are edited count from the next connection on, in the same process."""

import hashlib
import itertools
import json
import shutil

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import skymodel
from onnx import numpy_helper

import sedsql
from sedsql import native
from sedsql.adql.tree.model_function import Comparison
from sedsql.inference.model import Model, find_models
from sedsql.inference.necessary_conditions import Bounds, Row
from sedsql.photometry.bands import COLUMNS

ENGINES = [pytest.param("native", marks=pytest.mark.skipif(not native.path(), reason="no C extension")), "onnx", "sql"]

EDITS = {
    "min_bands": lambda card: card | {"min_bands": 9},
    "classes": lambda card: card | {"classes": ["cool", *card["classes"][1:]], "parents": {}, "conformal": None},
    "parents": lambda card: card | {"parents": dict.fromkeys(card["classes"], "thing")},
    "thresholds": lambda card: card | {"conformal": _all(card["conformal"], 1e-4)},
    "quantiles": lambda card: card | {"outlier": {"quantiles": [k / 10 for k in range(101)]}},
    "no sets": lambda card: card | {"conformal": None},
    "bands": lambda card: card | {"bands": card["bands"][::-1]},
    "missing": lambda card: card | {"missing": 12.5},
    "note": lambda card: card | {"description": "nothing that an answer depends on"},
}


def _all(conformal, threshold):
    return conformal | {"thresholds": {label: [threshold] * len(t) for label, t in conformal["thresholds"].items()}}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    X = (rng.uniform(6, 17, (300, 1)) + rng.normal(0, 1.5, (300, 10))).astype(np.float32)
    X[rng.random(X.shape) < 0.15] = np.nan
    return pa.table({name: pa.array(X[:, k], from_pandas=True) for k, name in enumerate(COLUMNS)})


@pytest.fixture
def folder(sky_model, tmp_path):
    """A small model, which every engine has in a moment."""
    edit(sky_model, lambda card: card | {"name": "mine-1"})
    return sky_model.rename(tmp_path / "mine-1")


def edit(folder, change):
    card = change(json.loads((folder / "card.json").read_text()))
    (folder / "card.json").write_text(json.dumps({key: value for key, value in card.items() if value is not None}))


def answers(engine, folder, rows):
    """All that an engine says of the rows, in a connection of its own."""
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        sedsql.register(con, models=[folder], engine=engine, default="mine-1")
        con.register("t", rows)
        calls = ["sed_answer(s, 'mine-1')", "sed_node(s, 0.6, 'mine-1')", "sed_class(s, 'mine-1')"]
        if "conformal" in json.loads((folder / "card.json").read_text()):
            calls.append("sed_set(s, 0.9, 'mine-1')")
        return con.execute(f"SELECT {', '.join(calls)} FROM t AS s").fetchall()


def differing(found, expected):
    """The first rows that differ, few enough to be shown."""
    return [pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1]][:2]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_edited_model_answers_as_one_that_was_always_so(folder, tmp_path, rows, engine):
    """The same card in a folder that the process has never seen is what to compare with."""
    edits = np.random.default_rng(0).permutation(list(EDITS))
    fresh = (tmp_path / str(k) / "mine-1" for k in itertools.count())
    edited = folder
    known = answers(engine, edited, rows)
    changes = []
    for name in edits:
        edit(edited, lambda card, name=name: EDITS[name]({"conformal": _conformal(card), **card}))
        found, expected = answers(engine, edited, rows), answers(engine, shutil.copytree(edited, next(fresh)), rows)
        assert differing(found, expected) == [], name
        changes.append(found != known)
    assert sum(changes) >= len(edits) - 1


def _conformal(card):
    return {"levels": [0.9], "thresholds": {label: [0.5] for label in card["classes"]}}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_model_that_is_trained_again_in_its_place(folder, rows, engine):
    before = answers(engine, folder, rows)
    graph = skymodel.graph()
    (heat,) = (one for one in graph.graph.initializer if one.name == "heat")
    heat.CopyFrom(numpy_helper.from_array(np.array(3, np.float32), "heat"))
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    edit(folder, lambda card: card | {"sha256": hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()})
    assert differing(answers(engine, folder, rows), before)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_card_that_is_edited_back_and_forth(folder, rows, engine):
    """And a card that is refused in between leaves nothing behind."""
    text, first = (folder / "card.json").read_text(), answers(engine, folder, rows)
    edit(folder, EDITS["min_bands"])
    second = answers(engine, folder, rows)
    (folder / "card.json").write_text("{")
    with pytest.raises(sedsql.Error, match="is not JSON"):
        answers(engine, folder, rows)
    (folder / "card.json").write_text(text)
    assert differing(first, second)
    assert differing(answers(engine, folder, rows), first) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_graph_that_was_gone_for_a_while(folder, rows, engine):
    graph = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").unlink()
    with pytest.raises((sedsql.Error, duckdb.Error), match=r"model\.onnx"):
        answers(engine, folder, rows)
    (folder / "model.onnx").write_bytes(graph)
    assert answers(engine, folder, rows)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_open_connection_keeps_its_model_or_says_that_it_changed(folder, rows, engine):
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        sedsql.register(con, models=[folder], engine=engine, default="mine-1")
        con.register("t", rows)
        asked = "SELECT sed_predict(s, 'mine-1').n_bands, sed_class(s, 'mine-1') FROM t AS s"
        edit(folder, EDITS["min_bands"])
        found = con.execute(asked).fetchall()
        assert any(n < 9 and label for n, label in found)
        answers(engine, folder, rows)  # another connection has the new card
        assert differing(con.execute(asked).fetchall(), found) == []


@pytest.mark.skipif(not native.path(), reason="no C extension")
def test_the_extension_refuses_a_card_that_changed_before_it_was_read(folder, rows):
    """The shipped models are loaded when they are first asked."""
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        con.execute(f"LOAD '{native.path()}'")
        row = ", ".join(f"s.{name}" for name in COLUMNS)
        con.register("t", rows)
        asked = f"SELECT _sed_class({row}, NULL, 'edited') FROM t AS s"
        known = "SELECT sed_models('edited', 'mine-1', [?])"
        con.execute(known, [str(folder)]).fetchall()
        edit(folder, EDITS["min_bands"])
        changed = r"Model mine-1 was changed: .*/card\.json has changed since you connected; connect again"
        with pytest.raises(duckdb.Error, match=changed):
            con.execute(asked).fetchall()
        con.execute(known, [str(folder)]).fetchall()
        assert con.execute(asked).fetchall()


def test_bounds_that_are_written_again_count(tmp_path):
    """A condition is of the file as it is."""
    folder = shutil.copytree(find_models()["lite-2"].folder, tmp_path / "lite-2")
    row = Row.of([f"s.{name}" for name in COLUMNS])

    def condition():
        model = Model.read(folder)
        bounds = Bounds({"lite-2": model}, "lite-2", {"lite-2": "onnx"})
        return bounds.condition(Comparison("=", "yso"), None, "lite-2", row)

    before = condition()
    assert before
    written = json.loads((folder / "bounds.json").read_text())
    written["parts"] = written["parts"][:1]
    (folder / "bounds.json").write_text(json.dumps(written))
    assert condition() not in (None, before)
    (folder / "bounds.json").unlink()
    assert condition() is None
