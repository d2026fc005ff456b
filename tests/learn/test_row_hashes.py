"""A model's card tells which rows it was trained on."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from sedsql.inference.model import Model
from sedsql.learn import row_hashes
from sedsql.learn.evaluate_model import EvaluationError, evaluate_model
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate


def another_file(table, magnitudes):
    """The rows of a table in another file."""
    return replace(table, magnitudes=magnitudes, about={**table.about, "files": {"other.parquet": "0" * 64}})


def unseen(rows: int):
    return simulate("yso", rows, np.random.default_rng(99)).magnitudes.astype(np.float32)


@pytest.mark.parametrize(("of_ten", "words"), [(10, "100 %"), (3, "30 %"), (0, None)])
def test_the_share_of_rows_that_were_trained_on_is_told(built, labelled, of_ten, words):
    model, _ = built
    new = np.arange(len(labelled)) % 10 >= of_ten
    magnitudes = labelled.magnitudes.copy()
    magnitudes[new] = unseen(new.sum())
    notes = evaluate_model(model, another_file(labelled, magnitudes))["notes"]
    told = [note for note in notes if "trained on" in note]
    if words is None:
        assert told == []
    else:
        (note,) = told
        assert f"small-1 was trained on {words} of these rows, so these figures are better than the truth" in note


def test_other_digits_and_another_order_are_the_same_rows(labelled):
    written = row_hashes.hashes_of(labelled)
    mixed = np.random.default_rng(0).permutation(len(labelled))
    assert row_hashes.seen_share(written, labelled.magnitudes[mixed].round(5)) > 0.9
    assert row_hashes.seen_share(written, labelled.magnitudes + np.float32(0.02)) == 0
    fewer = labelled.magnitudes.copy()
    fewer[:, COLUMNS.index("w1mpro")] = np.nan
    gone = np.isnan(labelled.magnitudes[:, COLUMNS.index("w1mpro")])
    assert row_hashes.seen_share(written, fewer) == pytest.approx(gone.mean())


def test_of_many_rows_a_sample_tells_the_share(labelled, monkeypatch):
    monkeypatch.setattr(row_hashes, "MOST", 400)
    written = row_hashes.hashes_of(labelled)
    assert len(written) < 400 * 4 * 4 / 3 + 4
    half = np.concatenate([labelled.magnitudes[:700], unseen(700)])
    assert row_hashes.seen_share(written, half) == pytest.approx(0.5, abs=0.08)


def test_simulated_and_contradicted_rows_are_not_among_them(labelled):
    table = replace(labelled, simulated=np.arange(len(labelled)) < 100, contradicted=np.arange(len(labelled)) >= 1_400)
    written = row_hashes.hashes_of(table)
    assert row_hashes.seen_share(written, labelled.magnitudes[100:1_400]) == 1
    left_out = np.concatenate([labelled.magnitudes[:100], labelled.magnitudes[1_400:]])
    assert row_hashes.seen_share(written, left_out) == 0


def test_a_card_without_hashes_says_nothing_and_one_with_bad_ones_is_refused(built, labelled, tmp_path):
    model, _ = built
    shutil.copytree(model.folder, tmp_path / "small-1")
    card = json.loads((model.folder / "card.json").read_text())
    table = another_file(labelled, labelled.magnitudes)
    for hashes, message in (
        (None, None),
        ("%%%", "no numbers of 32 bits in base64"),
        ("AAA=", "no numbers of 32 bits"),
    ):
        training = {key: value for key, value in card["training"].items() if key != "row_hashes"}
        training |= {} if hashes is None else {"row_hashes": hashes}
        (tmp_path / "small-1/card.json").write_text(json.dumps(card | {"training": training}))
        changed = Model.read(tmp_path / "small-1")
        if message is None:
            assert not any("trained on" in note for note in evaluate_model(changed, table)["notes"])
        else:
            with pytest.raises(EvaluationError, match=f"The card of model small-1 has .* {message}"):
                evaluate_model(changed, table)
