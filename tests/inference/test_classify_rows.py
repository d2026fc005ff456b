"""`sedsql.classify` gives a table back in the form that it came in, with the classes of `sedsql classify`."""

import json
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import MaskedColumn, QTable, Table

import sedsql as package
from sedsql.files import TableError, TableWarning
from sedsql.inference.card import EXTRA
from sedsql.inference.classify_table import ADDED
from sedsql.inference.model import ModelError, find_models
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate


@pytest.fixture(scope="module")
def arrow():
    """Simulated sources, some without some bands."""
    rng = np.random.default_rng(0)
    magnitudes = np.concatenate([simulate(kind, 30, rng).magnitudes for kind in ("yso", "giant", "white_dwarf")])
    columns = {name: pa.array(magnitudes[:, k], from_pandas=True) for k, name in enumerate(COLUMNS)}
    further = rng.uniform((0.5, 0.01, 0, -60), (5, 0.1, 360, 60), (len(magnitudes), 4))
    columns |= {name: further[:, k] for k, name in enumerate(EXTRA)}
    return pa.table({"name": [f"source {k}" for k in range(len(magnitudes))], **columns})


@pytest.fixture(scope="module")
def expected(arrow):
    """The classes by SQL."""
    with package.connect() as con:
        con.duckdb.register("mine", arrow)
        answer = "sed_answer(m, m.parallax, m.parallax_error, m.ra, m.dec, 'sky-1').probabilities"
        branch = f"sed_branch_of({answer}, 0.5, 'sky-1')"
        rows = con.duckdb.execute(f"SELECT b.node, b.probability, b.path FROM (SELECT {branch} AS b FROM mine AS m)")
        return rows.fetchall()


def as_astropy(arrow):
    table = Table({"name": arrow["name"].to_pylist()})
    for name in arrow.column_names[1:]:
        values = arrow[name].to_numpy()
        table[name] = MaskedColumn(values, mask=np.isnan(values))
    return table


def as_pyvo(arrow):
    from astropy.io.votable import from_table
    from astropy.io.votable.tree import Info
    from pyvo.dal.tap import TAPResults

    votable = from_table(as_astropy(arrow))
    votable.resources[0].type = "results"
    votable.resources[0].infos.append(Info(name="QUERY_STATUS", value="OK"))
    return TAPResults(votable)


def as_pandas(arrow):
    return pytest.importorskip("pandas") and arrow.to_pandas().set_index(np.arange(len(arrow)) * 2)


def as_polars(arrow):
    return pytest.importorskip("polars").from_arrow(arrow)


def columns_of(table):
    if hasattr(table, "to_table") and hasattr(table, "votable"):
        table = table.to_table()
    names = table.column_names if isinstance(table, pa.Table) else getattr(table, "colnames", None) or table.columns
    values = {name: table[name] for name in names}
    return {
        name: [None if one is None or one is np.ma.masked or one != one else one for one in list(value)]
        for name, value in values.items()
    }


@pytest.mark.parametrize("convert", [lambda arrow: arrow, as_astropy, as_pandas, as_polars, as_pyvo])
def test_a_table_comes_back_in_its_form(arrow, expected, convert):
    rows = convert(arrow)
    found = package.classify(rows)
    assert type(found) is type(rows)
    before, after = columns_of(rows), columns_of(found)
    assert list(after) == [*before, *ADDED]
    got = {name: [getattr(one, "as_py", lambda one=one: one)() for one in after[name]] for name in ADDED}
    labels = [None if label in (None, "") else str(label) for label in got["sed_class"]]
    assert labels == [node for node, _, _ in expected]
    np.testing.assert_allclose(
        np.array(got["sed_probability"], float), np.array([p for _, p, _ in expected], float), atol=1e-9
    )
    assert list(columns_of(rows)) == list(before)  # what was given is as it was


def test_where_the_classes_come_from(arrow):
    model = find_models()["sky-1"]
    pandas_frame = as_pandas(arrow)
    for meta in (
        package.classify(as_astropy(arrow)).meta["sedsql"],
        json.loads(package.classify(arrow).schema.metadata[b"sedsql"]),
        package.classify(pandas_frame).attrs["sedsql"],
    ):
        assert meta["model"] == "sky-1"
        assert meta["model_sha256"] == model.sha256
        assert meta["prior"] == "sky"
        assert meta["sedsql"] == package.__version__
        assert meta["columns"]["j_m"] == "j_m"
        assert list(meta["columns"]) == [*COLUMNS, *EXTRA]
    assert list(package.classify(pandas_frame).index) == list(pandas_frame.index)
    assert package.classify(as_astropy(arrow), prior="flat").meta["sedsql"]["prior"] == "flat"
    given = as_astropy(arrow)
    package.classify(given)
    assert "sedsql" not in given.meta


@pytest.mark.parametrize("ending", ["parquet", "fits", "vot", "ecsv"])
def test_files_say_where_the_classes_come_from(sedsql, arrow, tmp_path, ending):
    pq.write_table(arrow, tmp_path / "in.parquet")
    out = tmp_path / f"out.{ending}"
    ran = sedsql("classify", tmp_path / "in.parquet", "-o", out, "--model", "shape-2", "--json")
    said = json.loads(ran.out)["provenance"]
    assert said["model_sha256"] == find_models()["shape-2"].sha256
    if ending == "parquet":
        assert json.loads(pq.read_schema(out).metadata[b"sedsql"]) == said
    elif ending == "ecsv":
        assert Table.read(out, format="ascii.ecsv").meta["sedsql"] == said
    elif ending == "fits":
        header = fits.getheader(out, 1)
        assert (header["SEDMODEL"], header["SEDSHA"]) == ("shape-2", said["model_sha256"])
        assert json.loads(header["SEDCOLS"]) == said["columns"]
    else:
        infos = {info.name: info.value for info in parse(out).infos}
        assert (infos["sedsql_model"], infos["sedsql_model_sha256"]) == ("shape-2", said["model_sha256"])


def test_a_file_and_the_command_give_the_same(sedsql, arrow, expected, tmp_path):
    pq.write_table(arrow, tmp_path / "in.parquet")
    found = package.classify(tmp_path / "in.parquet")
    assert isinstance(found, Table)
    assert [label or None for label in found["sed_class"].tolist()] == [node for node, _, _ in expected]


@pytest.mark.parametrize(("errors", "told"), [([0.1, 0.2], False), ([0.1, 0.0], True), ([-1.0, np.nan], True)])
def test_errors_of_parallaxes_that_are_none_are_told(errors, told):
    table = Table({"Gmag": [12.0] * 2, "BPmag": [12.5] * 2, "RPmag": [11.4] * 2, "Plx": [5.0] * 2, "e_Plx": errors})
    with pytest.warns(TableWarning) as warned:
        package.classify(table, "luminosity-2")
    sentence = f"The error of the parallax, in column e_Plx, is 0 or less in some rows, down to {min(errors):g}"
    assert any(str(one.message).startswith(sentence) for one in warned) is told


def test_options_and_warnings():
    table = Table({"Jmag": [12.0], "Hmag": [11.5]})
    table["FK"] = [7.0]
    table["FK"].unit = "Jy"
    with pytest.warns(TableWarning, match="was made Vega magnitudes of ks_m"):
        found = package.classify(table, "shape-2", columns={"ks_m": "FK"})
    assert found["sed_n_bands"].tolist() == [3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = package.classify(table, "shape-2", columns={"ks_m": "FK"}, units={"FK": "mag"}, bands="2mass")
    assert found["sed_n_bands"].tolist() == [3]
    with pytest.warns(TableWarning, match="Jmag 12 in 1 row"):
        found = package.classify(
            QTable({"Jmag": [12.0], "Hmag": [11.0], "Kmag": [10.5]}), "shape-2", bands="2mass", missing=12
        )
    assert found["sed_n_bands"].tolist() == [2]


def test_mistakes_are_told_in_the_sentence_of_the_command(sedsql, tmp_path):
    Table({"Jmag": [12.0], "Hmag": [11.5]}).write(tmp_path / "in.ecsv")
    ran = sedsql("classify", tmp_path / "in.ecsv", "-o", tmp_path / "out.ecsv")
    with pytest.raises(TableError) as told:
        package.classify(tmp_path / "in.ecsv")
    assert ran.err == f"Error: {told.value}\n"
    assert "columns for 2 of the bands, and sky-1 needs 3" in ran.err
    with pytest.raises(ModelError, match="No model 'mine-1'; there are"):
        package.classify(Table({"Jmag": [1.0]}), "mine-1")
    with pytest.raises(TableError, match="int is no table"):
        package.classify(5)
    with pytest.raises(ModelError, match="shape-2 takes no position"):
        package.classify(Table({"Jmag": [1.0]}), "shape-2", prior="sky")
    with pytest.raises(ModelError, match="prior is 'sky' or 'flat', not 'uniform'"):
        package.classify(Table({"Jmag": [1.0]}), prior="uniform")
    bands = Table({"j_m": [12.0], "h_m": [11.5], "ks_m": [11.0], "w1mpro": [11.0]})
    with pytest.raises(TableError, match="Column h_m is taken for both j_m and h_m; say --map h_m=COLUMN, or --map"):
        package.classify(bands, columns={"j_m": "h_m"})
    with pytest.warns(TableWarning):
        assert len(package.classify(bands, columns={"j_m": "h_m", "h_m": "none"})) == 1


@pytest.mark.parametrize("engine", ["fastest", "onnx"])
def test_pieces_come_back_in_order_by_every_engine(sedsql, arrow, expected, tmp_path, monkeypatch, engine):
    """With as many pieces as threads can mix up, and without the C extension."""
    monkeypatch.setattr("sedsql.files.formats.PIECE", 7)
    if engine == "onnx":
        monkeypatch.setattr("sedsql.native.EXTENSION", tmp_path / "none")
        monkeypatch.setattr("sedsql.native.WHY_NOT", tmp_path / "no_why")
    pq.write_table(arrow, tmp_path / "in.parquet")
    ran = sedsql("classify", tmp_path / "in.parquet", "-o", tmp_path / "out.parquet", "--json")
    found = pq.read_table(tmp_path / "out.parquet")
    assert found["name"].to_pylist() == arrow["name"].to_pylist()
    assert found["sed_class"].to_pylist() == [node for node, _, _ in expected]
    assert found["sed_path"].to_pylist() == [path for _, _, path in expected]
    np.testing.assert_allclose(
        np.array(found["sed_probability"].to_pylist(), float), np.array([p for _, p, _ in expected], float), atol=1e-6
    )
    (g,) = (one for one in json.loads(ran.out)["mapping"] if one["name"] == "phot_g_mean_mag")
    assert g["range"] == pytest.approx([pc.min(arrow[COLUMNS[0]]).as_py(), pc.max(arrow[COLUMNS[0]]).as_py()], abs=1e-5)


def test_a_data_frame_with_columns_that_no_table_has(arrow, expected):
    frame = as_pandas(arrow)
    frame["mixed"] = ["a", 1.5, None] * 30
    frame["complex"] = 1 + 1j
    frame[7] = [object()] * len(frame)
    frame["j_m"] = [
        None if value != value else f"{value!r}" if k % 2 else value for k, value in enumerate(frame["j_m"])
    ]
    found = package.classify(frame)
    assert found["sed_class"].tolist() == [node for node, _, _ in expected]
    frame.loc[frame.index[4], "j_m"] = "bright"
    with pytest.raises(
        TableError, match=r"Column j_m should .*, but row 5 has the text 'bright'\. Name another column"
    ):
        package.classify(frame)


def test_cursors_and_relations_are_tables_too(sky):
    with package.connect(sky) as con:
        found = package.classify(con.execute("SELECT TOP 20 * FROM sed.photometry AS s ORDER BY source_id"))
        again = package.classify(con.duckdb.sql("FROM sed.photometry ORDER BY source_id LIMIT 20"))
        query = "SELECT TOP 20 class FROM sed.classified ORDER BY source_id"
        expected = [label for (label,) in con.execute(query).fetchall()]
    assert [label or None for label in found["sed_class"].tolist()] == expected
    assert again["sed_class"].to_pylist() == expected
    assert str(found["parallax"].unit) == "mas"


@pytest.mark.parametrize(
    ("column", "kind"), [([1 + 1j, 2], "complex"), ([[1.0, 2], [3, 4]], "fixed_size_list"), ([True, False], "bool")]
)
def test_odd_columns_are_told_with_the_way_out(column, kind):
    table = Table({"Jmag": column, "Hmag": [1.0, 2], "Kmag": [1.0, 2]})
    with pytest.raises(TableError) as told:
        package.classify(table, "shape-2", bands="2mass")
    assert f"Column Jmag should hold the magnitude j_m, but its type is {kind}" in str(told.value)
    assert "Name another column with --map j_m=COLUMN, or none with --map j_m=none." in str(told.value)
