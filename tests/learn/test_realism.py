import json
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from typer.testing import CliRunner

from sedsql import files
from sedsql.cli import main
from sedsql.learn import realism, training
from sedsql.photometry.bands import BANDS, COLUMNS
from sedsql.simulate import simulate


@pytest.fixture(scope="module")
def table_of_two(tmp_path_factory):
    """Giants as they are simulated, and 'yso' that are white dwarfs in truth: one class alike, the other not."""
    rng = np.random.default_rng(11)
    path = tmp_path_factory.mktemp("real") / "real.parquet"
    samples = {"giant": simulate("giant", 700, rng), "yso": simulate("white_dwarf", 300, rng)}
    magnitudes = np.concatenate([sample.magnitudes for sample in samples.values()])
    table = Table(dict(zip(COLUMNS, magnitudes.T.astype(np.float32), strict=True)))
    table["class"] = np.repeat(list(samples), [len(sample) for sample in samples.values()])
    files.write_table(path, table)
    return path


@pytest.fixture(scope="module")
def labelled(table_of_two):
    return training.read_labelled(table_of_two, "class", least_rows=0)


@pytest.fixture
def sedsql(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(main.app, [str(a) for a in arguments])

    return run


def test_a_class_is_like_itself_and_not_like_another(labelled):
    same, other = (realism.compare(labelled, name, pool=20_000) for name in ("giant", "yso"))
    assert abs(same.auc - 0.5) < 0.08
    assert max(colour.distance for colour in same.colours) < 0.15
    assert max(abs(colour.difference) for colour in same.colours if colour.rows > 300) < 0.1
    assert other.auc > 0.9
    bp_rp = next(colour for colour in other.colours if colour.name == "BP-RP")
    assert bp_rp.difference > 1
    assert bp_rp.distance > 0.7


def test_partners_have_the_brightness_and_the_bands_of_their_source(labelled):
    found = realism.compare(labelled, "giant", pool=20_000)
    real, simulated = found.real, found.simulated
    assert np.isnan(simulated[np.isnan(real)]).all()
    seen = np.isfinite(real[:, 0])
    assert np.abs(real[seen, 0] - simulated[seen, 0]).max() < 0.1


def test_a_source_without_g_is_matched_by_ks_and_one_without_anything_by_nothing():
    real = np.full((3, 10), np.nan)
    real[0, 3:6] = 14.0
    real[1, 6:8] = 12.0
    pool = simulate("giant", 5000, np.random.default_rng(2)).true_magnitudes
    found, chosen = realism.partners(real, pool, np.random.default_rng(3))
    assert found[0, 5] == pytest.approx(14.0, abs=0.5)
    assert found[1, 6] == pytest.approx(12.0, abs=0.3)
    assert np.isnan(found[2]).all()
    assert (chosen >= 0).tolist() == [True, True, False]


def test_partners_of_the_same_colour_have_it(labelled):
    real = labelled.magnitudes[labelled.labels == "giant"].astype(float)
    bright = real[real[:, 1] < 18]
    pool = simulate("giant", 20_000, np.random.default_rng(2)).true_magnitudes
    found, _ = realism.partners(bright, pool, np.random.default_rng(3), same_bp_rp=True)
    difference = (found - bright)[:, 1] - (found - bright)[:, 2]
    assert np.percentile(np.abs(difference), 90) < 0.05


def test_limits_are_no_measurements(labelled):
    limited = labelled[labelled.labels == "giant"]
    limited.limits[:, 9] = True
    assert np.isnan(realism.compare(limited, "giant", pool=5000).real[:, 9]).all()


def test_the_distance_of_kolmogorov_and_smirnov(labelled):
    found = realism.compare(labelled, "yso", pool=5000)
    colour = next(colour for colour in found.colours if colour.name == "BP-RP")
    one, other = (np.sort((m[:, 1] - m[:, 2])[np.isfinite(m[:, 1] - m[:, 2])]) for m in (found.real, found.simulated))
    everywhere = np.concatenate([one, other])
    steps = [np.searchsorted(some, everywhere, side="right") / len(some) for some in (one, other)]
    assert colour.distance == pytest.approx(np.abs(steps[0] - steps[1]).max())


def test_few_rows_are_not_classified(labelled):
    few = labelled[np.flatnonzero(labelled.labels == "giant")[:25]]
    found = realism.compare(few, "giant", pool=2000)
    assert found.auc is None
    assert found.bands == ()


@pytest.mark.parametrize(("name", "words"), [("quasar", "cannot be simulated"), ("agn", "no rows of class 'agn'")])
def test_what_cannot_be_compared_is_said(labelled, name, words):
    with pytest.raises(files.TableError, match=words):
        realism.compare(labelled, name, pool=100)


def test_a_table_of_simulated_sources(sedsql):
    ran = sedsql("simulate", "yso", "-n", 300, "-o", "yso.parquet", "--seed", 4)
    assert ran.exit_code == 0
    assert ran.output.strip() == "300 simulated sources of class yso written to yso.parquet"
    table = files.read_table(Path("yso.parquet"))
    expected = simulate("yso", 300, np.random.default_rng(4))
    for k, column in enumerate(COLUMNS):
        np.testing.assert_allclose(np.ma.filled(table[column], np.nan), expected.magnitudes[:, k], rtol=1e-6)
    assert set(table["origin"]) == {"simulated"}
    assert set(table["class"]) == {"yso"}
    assert [band.error_column in table.colnames for band in BANDS] == [False] * 3 + [True] * 7
    np.testing.assert_allclose(table["distance_pc"], expected.distance_pc)
    np.testing.assert_allclose(table["teff"], expected.teff)
    again = sedsql("simulate", "yso", "-o", "yso.parquet")
    assert isinstance(again.exception, FileExistsError)


def test_a_simulated_table_can_be_trained_on(sedsql):
    assert sedsql("simulate", "agn", "-n", 60, "-o", "agn.csv").exit_code == 0
    table = training.read_labelled(Path("agn.csv"), "class", least_rows=0)
    assert len(table) == 60
    assert set(table.origins) == {"simulated"}
    # Places on the sky tell cells apart.
    assert len(np.unique(table.cells)) > 20


def test_a_comparison_is_written_drawn_and_printed(sedsql, table_of_two):
    pytest.importorskip("matplotlib")
    ran = sedsql("simulate", "--against", table_of_two, "--label", "class", "-o", "compared", "--json")
    assert ran.exit_code == 0
    found = json.loads(ran.output)["classes"]
    assert list(found) == ["giant", "yso"]
    assert found["giant"]["auc"] < found["yso"]["auc"]
    folder = Path("compared")
    assert {path.name for path in folder.iterdir()} == {"report.md", "giant.png", "yso.png"}
    assert (folder / "giant.png").read_bytes().startswith(b"\x89PNG")
    text = (folder / "report.md").read_text()
    assert "sedsql simulate --against real.parquet --label class -o compared" in text
    assert str(table_of_two.parent) not in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simulate", "yos", "-o", "x.csv"], "did you mean yso"),
        (["simulate", "yso"], "name what to write"),
        (["simulate", "-o", "x.csv"], "name a class to simulate"),
    ],
)
def test_mistakes_are_said_in_a_sentence(sedsql, arguments, words):
    ran = sedsql(*arguments)
    assert ran.exit_code == 2
    assert words in " ".join(ran.output.replace("│", " ").split())


def test_labels_that_cannot_be_simulated_are_said(sedsql, tmp_path):
    table = Table({name: np.linspace(10, 12, 30) + k for k, name in enumerate(COLUMNS)})
    table["kind"] = np.repeat("planet", 30)
    files.write_table(tmp_path / "planets.csv", table)
    ran = sedsql("simulate", "--against", tmp_path / "planets.csv", "--label", "kind", "-o", "compared")
    assert isinstance(ran.exception, files.TableError)
    assert "None of the labels in column kind of planets.csv can be simulated" in str(ran.exception)
    assert not (tmp_path / "compared").exists()
