"""Test which parallaxes, positions and missing magnitudes `sedsql classify` passes to a model, and its messages."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from refusal import refused

from sedsql.inference.card import EXTRA
from sedsql.inference.model import Model, find_models
from sedsql.inference.session import Session
from sedsql.photometry import classes
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate

KINDS = ("main_sequence", "giant", "yso", "agn", "white_dwarf")
ROWS = 60


@pytest.fixture(scope="module")
def sources():
    """Magnitudes, parallaxes and positions, float32 of shape (n, 14); each is missing in some rows."""
    rng = np.random.default_rng(0)
    samples = [simulate(kind, ROWS, rng) for kind in KINDS]
    magnitudes = np.concatenate([sample.magnitudes for sample in samples])
    n = len(magnitudes)
    parallax = 1000 / np.concatenate([sample.distance_pc for sample in samples])
    error = rng.uniform(0.02, 0.3, n)
    position = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    rows = np.column_stack([magnitudes, parallax, error, *position]).astype(np.float32)
    rows[::7, 10:12] = rows[::5, 12:] = np.nan
    rows[:3, :9] = np.nan
    return rows


def written(path, rows, names=(*COLUMNS, *EXTRA)):
    """Write a Parquet table with the columns of `rows`; a column whose name is None is left out."""
    columns = {name: pa.array(rows[:, k], from_pandas=True) for k, name in enumerate(names) if name}
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def classified(sedsql, sky_model, tmp_path):
    """Return `classified(file, *options)`, which gives the table that a stand-in for sky-1 writes, and its messages."""

    def classified(file, *options):
        out = tmp_path / "out.parquet"
        ran = sedsql("classify", file, "-o", out, "--models", sky_model, "--force", *options)
        assert ran.code == 0, ran.err
        return pq.read_table(out), ran.err

    return classified


def expected(model, rows):
    """Find name, probability and path of the deepest node with half of the probability, by walking down the tree."""
    p = Session(model).predict(rows).probabilities.astype(float)
    parents = model.card.parents
    found = []
    for row in p:
        if np.isnan(row).any():
            found.append((None, None, None))
            continue
        at = (classes.ROOT, 1.0, classes.ROOT)
        for depth in (1, 2):
            shares: dict[str, float] = {}
            for label, share in zip(model.classes, row, strict=True):
                path = "/".join(classes.path(label, parents)[:depth])
                shares[path] = shares.get(path, 0) + share
            path = max(shares, key=lambda path: shares[path])
            if shares[path] >= 0.5:
                at = (path.split("/")[-1], shares[path], path)
        found.append(at)
    return found


def agrees(table, model, rows):
    names, shares, paths = zip(*expected(model, rows), strict=True)
    assert table["sed_class"].to_pylist() == list(names)
    assert table["sed_path"].to_pylist() == list(paths)
    np.testing.assert_allclose(
        np.array(table["sed_probability"].to_pylist(), float), np.array(shares, float), atol=1e-6
    )
    return names


def without_position(rows):
    rows = rows.copy()
    rows[:, 12:] = np.nan
    return rows


def test_the_default_is_the_model_of_the_sky_with_parallax_and_position(classified, sources, sky_model, tmp_path):
    model = Model.read(sky_model)
    table, told = classified(written(tmp_path / "in.parquet", sources))
    assert told == ""
    names = agrees(table, model, sources)
    assert {None, "source", "young", "yso"} & set(names) >= {None, "yso"}
    assert names != agrees(classified(tmp_path / "in.parquet", "--prior", "flat")[0], model, without_position(sources))
    about = table.schema.field("sed_class").metadata[b"description"].decode()
    assert "sky-1, with its prior" in about


@pytest.mark.parametrize("model", ["luminosity-2", "shape-2"])
def test_parallaxes_are_handed_to_a_model_that_takes_them(classified, sources, tmp_path, model):
    found = find_models()[model]
    told = classified(written(tmp_path / "in.parquet", sources), "--model", model)[0]
    agrees(told, found, sources)
    lost = sources.copy()
    lost[:, 10:] = np.nan
    without = classified(written(tmp_path / "lost.parquet", lost), "--model", model)[0]
    agrees(without, found, lost)
    assert (told["sed_class"].to_pylist() != without["sed_class"].to_pylist()) == (model == "luminosity-2")


VIZIER = ("Plx", "e_Plx", "RA_ICRS", "DE_ICRS")


@pytest.mark.parametrize(
    "names", [VIZIER, ("plx", "E_PLX", "_RAJ2000", "_DEJ2000"), ("PARALLAX", "Parallax_Error", "_RA", "_DE")]
)
def test_names_of_catalogues(classified, sources, sky_model, tmp_path, names):
    table, told = classified(written(tmp_path / "in.parquet", sources, (*COLUMNS, *names)))
    assert told == ""
    agrees(table, Model.read(sky_model), sources)


def test_a_map_decides(classified, sedsql, sources, sky_model, tmp_path):
    file = written(tmp_path / "in.parquet", sources, (*COLUMNS, "parallax", "parallax_error", "alpha", "delta"))
    table, told = classified(file, "--map", "ra=alpha", "--map", "dec=delta")
    assert told == ""
    agrees(table, Model.read(sky_model), sources)
    table, told = classified(file, *(f"--map={name}=none" for name in EXTRA))
    assert told == ""
    agrees(table, Model.read(sky_model), sources[:, :10])
    ran = sedsql("classify", file, "-o", tmp_path / "o.csv", "--models", sky_model, "--map", "ra=beta")
    assert refused(ran, "no column 'beta' (--map ra=beta)")


def test_what_the_table_lacks_is_told_in_a_line(classified, sources, sky_model, tmp_path):
    model = Model.read(sky_model)
    bands = written(tmp_path / "bands.parquet", sources, (*COLUMNS, "", "", "", ""))
    for options in ((), ("--prior", "sky")):
        table, told = classified(bands, *options)
        agrees(table, model, sources[:, :10])
        assert len(told.splitlines()) == 1
        for words in (
            "no column parallax (Plx or sy_plx would do), ra (RA_ICRS or",
            "dec (DE_ICRS or",
            "--map dec=COLUMN",
        ):
            assert words in told
        assert "sky-1 answers without luminosities and with a flat prior" in told
    assert "flat prior" in table.schema.field("sed_class").metadata[b"description"].decode()
    told = classified(bands, "--prior", "flat")[1]
    assert "parallax" in told
    assert "flat prior" not in told
    table, told = classified(written(tmp_path / "one.parquet", sources, (*COLUMNS, "parallax", "", "ra", "")))
    assert "no column parallax_error (e_Plx or sy_plxerr1 would do), dec" in told
    assert "as if parallaxes were exact and with a flat prior" in told
    none = sources.copy()
    none[:, 11:] = np.nan
    agrees(table, model, none)
    told = classified(bands, "--prior", "sky", "--map", "ra=none", "--map", "dec=none")[1]
    assert "with a flat prior" in told


def test_a_model_without_position_has_no_prior_of_the_sky(sedsql, sources, tmp_path):
    file = written(tmp_path / "in.parquet", sources)
    ran = sedsql("classify", file, "-o", tmp_path / "o.csv", "--model", "shape-2", "--prior", "sky")
    assert refused(ran, "shape-2 takes no position")
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize("ending", ["vot", "fits", "ecsv", "parquet"])
def test_units_are_converted(classified, sources, sky_model, tmp_path, ending):
    file, known = tmp_path / f"in.{ending}", sources[np.isfinite(sources[:, 10:]).all(axis=1)]
    table = Table(known.astype(float), names=[*COLUMNS, *EXTRA])
    table["parallax"] /= 1000
    table["ra"], table["dec"] = np.radians(table["ra"]), table["dec"] * 60
    for name, unit in zip(("j_m", *EXTRA), ("mag", "arcsec", "mas", "rad", "arcmin"), strict=True):
        table[name].unit = unit
    table.write(file, format={"vot": "votable", "ecsv": "ascii.ecsv"}.get(ending, ending))
    found, told = classified(file)
    assert told == ""
    agrees(found, Model.read(sky_model), known)


def test_what_is_no_position_is_refused_with_what_would_do(sedsql, sources, sky_model, tmp_path):
    def classify(file, *options):
        return sedsql("classify", file, "-o", tmp_path / "out.csv", "--force", "--models", sky_model, *options)

    header = ",".join([*COLUMNS, "RAJ2000", "DEJ2000", "Plx", "e_Plx"])
    line = ",".join([*["12"] * 10, "in Orion", "-05 23 28", "2.5", "0.1"])
    (tmp_path / "in.csv").write_text(f"{header}\n{line}\n")
    ran = classify(tmp_path / "in.csv")
    assert refused(ran, "Column RAJ2000 should hold ra, in deg", "'in Orion'", "--map ra=COLUMN", "--map ra=none")
    assert classify(tmp_path / "in.csv", "--prior", "flat").code == 0
    table = Table(sources.astype(float), names=[*COLUMNS, *EXTRA])
    table["ra"].unit = "s"
    table.write(tmp_path / "in.ecsv")
    assert refused(classify(tmp_path / "in.ecsv"), "Column ra should hold ra, in deg, but its unit is s")


def test_a_place_beyond_the_pole_is_none(classified, sources, sky_model, tmp_path):
    rows, none = sources.copy(), sources.copy()
    rows[1:4, 13], none[1:4, 12:] = (-999, 95, 1e20), np.nan
    table, told = classified(written(tmp_path / "in.parquet", rows))
    assert told.startswith("The column dec is beyond 90 degrees in 3 rows")
    agrees(table, Model.read(sky_model), none)


@pytest.fixture
def with_sentinels(sources, tmp_path):
    """Write a file of sources with sentinels, and return their rows with NaN in place of these."""
    rows, clean = sources[30:].copy(), sources[30:].copy()
    for band, value, some in ((3, -999, [1, 2, 3]), (9, 99.99, [5]), (0, 99, [8]), (6, 9999, [8])):
        rows[some, band], clean[some, band] = value, np.nan
    rows[[20, 21], :8], rows[[20, 21], 8:10] = 0, np.nan
    clean[[20, 21], :10] = np.nan
    rows[22, 4] = clean[22, 4] = 0  # Vega's, perhaps
    return written(tmp_path / "in.parquet", rows), rows, clean


def test_sentinels_are_kept_if_asked(classified, with_sentinels, sky_model):
    file, rows, _ = with_sentinels
    table, told = classified(file, "--keep-sentinels")
    agrees(table, Model.read(sky_model), rows)
    assert len(told.splitlines()) == 1
    counts = "j_m -999 in 3 rows, all bands 0 in 2 rows, phot_g_mean_mag 99 in 1 row, w1mpro 9999 in 1 row, "
    assert f"{counts}w4mpro 99.99 in 1 row, were taken as they are" in told


def test_sentinels_are_missing(classified, with_sentinels, sky_model):
    file, _, clean = with_sentinels
    table, told = classified(file)
    agrees(table, Model.read(sky_model), clean)
    assert table["sed_n_bands"].to_pylist() == np.isfinite(clean[:, :10]).sum(axis=1).tolist()
    assert "j_m -999 in 3 rows" in told
    assert "were taken as missing; with --keep-sentinels they are magnitudes" in told


def test_a_model_without_a_tree_says_the_most_probable_class(classified, sky_model, sources, tmp_path):
    card = (sky_model / "card.json").read_text()
    model = Model.read(sky_model)
    (sky_model / "card.json").write_text(card.replace('"parents": {', '"parents": {}, "was": {'))
    table, _ = classified(written(tmp_path / "in.parquet", sources))
    prediction = Session(model).predict(sources)
    labels = [None if k < 0 else model.classes[k] for k in prediction.class_index]
    assert table["sed_class"].to_pylist() == labels == table["sed_path"].to_pylist()
    top = np.array(table["sed_probability"].to_pylist(), float)
    np.testing.assert_allclose(top, prediction.probabilities.max(axis=1), atol=1e-6)
