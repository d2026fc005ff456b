"""Dask and LSDB classify where partitions are: with DuckDB's classes, each row once, whatever becomes of a worker."""

import os
import signal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sedsql
from sedsql import files
from sedsql.files import TableError
from sedsql.mirror.database import open_mirror
from sedsql.photometry.bands import COLUMNS

pytestmark = pytest.mark.peers

FUNCTIONS = {"what": "sed_class", "p": "sed_proba('yso')"}
ADDED = ["sed_class", "sed_probability", "sed_path", "sed_n_bands"]


@pytest.fixture(scope="module")
def in_duckdb():
    """`in_duckdb(rows, expressions)`: what DuckDB gives for each row `s` of a table."""
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        sedsql.register(con, engine="native")

        def ask(rows, expressions):
            return con.sql(f"SELECT {expressions} FROM rows AS s").to_arrow_table()

        yield ask


@pytest.fixture(scope="module")
def photometry(small_mirror, in_duckdb):
    """All rows of `sed.photometry`, by source_id, with what DuckDB says of them by luminosity-2."""
    with open_mirror(small_mirror) as con:
        names = ", ".join(("source_id", "ra", "dec", "parallax", "parallax_error", *COLUMNS))
        rows = con.execute(f"SELECT {names} FROM sed.photometry ORDER BY source_id").to_arrow_table()
    extra = "s, s.parallax, s.parallax_error"
    return in_duckdb(
        rows, f"*, sed_class({extra}, 'luminosity-2') AS what, sed_proba({extra}, 'yso', 'luminosity-2') AS p"
    )


@pytest.fixture(scope="module")
def catalog(photometry):
    """The same rows as a catalogue of LSDB."""
    import lsdb
    import pandas as pd

    frame = photometry.drop_columns(["what", "p"]).to_pandas(types_mapper=pd.ArrowDtype)
    return lsdb.from_dataframe(frame, ra_column="ra", dec_column="dec", partition_rows=300)


def answers(frame, names):
    table = pa.Table.from_pandas(frame.sort_values("source_id"), preserve_index=False)
    return table.select(names).combine_chunks()


def test_lsdb_gives_what_duckdb_gives(catalog, photometry):
    found = sedsql.lsdb.with_functions(catalog, FUNCTIONS, "luminosity-2")
    assert list(found.columns) == [*catalog.columns, *FUNCTIONS]
    assert answers(found.compute(), [*FUNCTIONS]).equals(photometry.select([*FUNCTIONS]).combine_chunks())


def test_classes_of_a_catalogue_are_those_of_its_table(catalog, photometry, tmp_path):
    import lsdb

    classified = sedsql.lsdb.classify(catalog)
    expected = sedsql.classify(photometry)
    classified.write_catalog(tmp_path / "classified", catalog_name="classified")
    found = lsdb.open_catalog(tmp_path / "classified")
    assert [str(found.dtypes[name]) for name in ADDED] == [str(classified.dtypes[name]) for name in ADDED]
    assert answers(found.compute(), ADDED).equals(expected.select(ADDED).combine_chunks())


def test_two_catalogues_of_a_mirror_are_matched_and_classified_in_one_graph(small_mirror, in_duckdb, tmp_path):
    import lsdb

    near = lsdb.ConeSearch(83.8, -5.4, 2 * 3600)
    gaia, wise = (
        lsdb.open_catalog(small_mirror / name, search_filter=near, columns="all")
        for name in ("gaiadr3/gaia_source", "gaiadr1/allwise_original_valid")
    )
    both = gaia.crossmatch(wise, radius_arcsec=1, suffixes=("", "_w"), suffix_method="overlapping_columns")
    with pytest.warns(files.TableWarning, match="The table has no column for j_m, h_m, ks_m: missing in every row"):
        classified = sedsql.lsdb.classify(both)
    classified.write_catalog(tmp_path / "both", catalog_name="both")
    found = pa.Table.from_pandas(lsdb.open_catalog(tmp_path / "both").compute(), preserve_index=False)
    assert len(found) == len(both.compute()) > 0
    bands = ", ".join(name if name in found.column_names else "NULL" for name in COLUMNS)
    row = f"{bands}, parallax, parallax_error, s.ra, s.dec"
    expected = in_duckdb(found, f"sed_node({row}, 0.5, 'sky-1') AS node")["node"]
    assert expected.combine_chunks().equals(found["sed_class"].combine_chunks())


def test_a_catalogue_without_the_bands_is_told_which_are_missing(catalog):
    with pytest.raises(TableError, match=r"has no column for a band .* sky-1 needs 3: none for phot_g_mean_mag"):
        sedsql.lsdb.classify(catalog[["ra", "dec", "parallax"]])
    with pytest.raises(sedsql.Error, match=r"The batch has no column phot_g_mean_mag, .* shape-2 needs 3 bands"):
        sedsql.dask.with_functions(catalog[["ra", "dec", "j_m"]])


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes of one thread each."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None, memory_limit=0
        ) as workers,
        Client(workers) as client,
    ):
        yield client


def killed_once(frame, flag):
    """End the worker that has the second partition, the first time."""
    if len(frame) and int(frame["part"].iloc[0]) == 2:
        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return frame
        os.kill(os.getpid(), signal.SIGKILL)
    return frame


def test_a_worker_that_is_killed_is_survived_and_nothing_is_written_twice(cluster, photometry, tmp_path):
    import dask.dataframe as dd

    (tmp_path / "in").mkdir()
    size = len(photometry) // 6 + 1
    for part in range(6):
        rows = photometry.slice(part * size, size)
        rows = rows.drop_columns(["what", "p"]).append_column("part", pa.array(np.full(len(rows), part)))
        pq.write_table(rows, tmp_path / "in" / f"{part}.parquet")
    frame = dd.read_parquet(tmp_path / "in", dtype_backend="pyarrow")
    frame = frame.map_partitions(killed_once, str(tmp_path / "killed"), meta=frame._meta)
    sedsql.dask.with_functions(frame, FUNCTIONS, "luminosity-2").to_parquet(tmp_path / "out")
    assert (tmp_path / "killed").exists()
    found = pq.read_table(tmp_path / "out").sort_by("source_id")
    assert found["source_id"].combine_chunks().equals(photometry["source_id"].combine_chunks())
    assert found.select([*FUNCTIONS]).combine_chunks().equals(photometry.select([*FUNCTIONS]).combine_chunks())


def test_a_worker_with_another_model_says_so(cluster, photometry, tmp_path):
    import shutil

    import dask.dataframe as dd

    from sedsql.inference.model import find_model

    folder = tmp_path / "mine"
    shutil.copytree(find_model("lite-2").folder, folder)
    card = folder / "card.json"
    card.write_text(card.read_text().replace('"lite-2"', '"mine"'))
    frame = dd.from_pandas(photometry.slice(0, 10).to_pandas(), npartitions=1)
    asked = sedsql.dask.with_functions(frame, "sed_class", "mine", models=[folder])
    card.write_text(Path(card).read_text().replace('"min_bands": 3', '"min_bands": 4'))
    with pytest.raises(sedsql.Error, match="Model mine of this worker is another one than where the graph was made: "):
        asked.compute()
    shutil.rmtree(folder)
    with pytest.raises(sedsql.Error, match="to look for models in"):
        asked.compute()
