"""Queries of stored photometry and classes read the files, and row groups, that can have their rows."""

import inspect
import re
import shutil

import duckdb
import pyarrow.parquet as pq
import pytest

import sedsql
from sedsql.adql.optimizer.rules import REWRITES
from sedsql.catalogue import CLASSIFIED, PHOTOMETRY
from sedsql.inference.model import find_models
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sample import write_sample
from sedsql.mirror.stored.classify import classify

ROWS = 700
CONE = "1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(84, -5, 20))"
QUERIES = {
    "photometry": f"SELECT s.source_id, s.w1mpro FROM sed.photometry AS s WHERE {CONE} ORDER BY 1",
    "a star": f"SELECT * FROM sed.photometry AS s WHERE {CONE} ORDER BY 1",
    "a call": f"SELECT s.source_id, sed_class(s) AS c, sed_node(s, 0.5) AS n FROM sed.photometry AS s WHERE {CONE} "
    "ORDER BY 1",
    "classified": f"SELECT s.source_id, class, outlier FROM sed.classified AS s WHERE {CONE} ORDER BY 1",
    "a star of classified": f"SELECT * FROM sed.classified AS s WHERE {CONE} ORDER BY source_id",
    "another": f"SELECT source_id, sed_class(s, 'lite-2') AS c FROM sed.photometry AS s WHERE {CONE} ORDER BY 1",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A mirror with classes by sky-1; not to be changed."""
    made = tmp_path_factory.mktemp("pruning") / "m"
    write_sample(made, ROWS, seed=4, rich=True)
    with Mirror.change(made) as held:
        classify(held, find_models()["sky-1"])
    return made


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_cone_reads_the_files_that_have_its_cells(made, query):
    with sedsql.connect(made) as con:
        explain: list[str] = []
        found = con.execute(con.translate(query, explain), lang="sql").arrow()
        whole = con.translation(query, rewrites=tuple(name for name in REWRITES if name != "files")).sql
        assert found.equals(con.execute(whole, lang="sql").arrow())
        named = set(re.findall(r"sed/\w+/dataset/[^']+\.parquet", con.translate(query)))
    tables = Mirror.read(made).tables
    state = next(tables[name] for name in (PHOTOMETRY, CLASSIFIED) if named & set(tables[name].files))
    cells = [source >> 35 for source in found["source_id"].to_pylist()]
    needed = {path for path, file in state.files.items() if any(file.meets(cell, cell) for cell in cells)}
    assert needed <= named < set(state.files)
    assert any(f"of its {len(state.files)} files" in line for line in explain)


@pytest.mark.parametrize("name", ["photometry", "a call", "classified"])
def test_files_that_are_stale_are_an_error(made, tmp_path, name):
    """Whoever switches a rule by hand has the views as they were."""
    shutil.copytree(made, tmp_path / "m")
    with duckdb.connect(tmp_path / "m" / "mirror.duckdb") as con:
        con.execute("CREATE OR REPLACE MACRO sed.ruwe(ruwe) AS true")
    with sedsql.connect(tmp_path / "m") as con, pytest.raises(sedsql.Error, match="sedsql mirror refresh"):
        con.execute(QUERIES[name]).fetchall()


@pytest.mark.skipif(
    "bloom_filter_options" not in inspect.signature(pq.ParquetWriter.__init__).parameters,
    reason="this pyarrow writes no Bloom filters",
)
def test_a_rare_class_skips_row_groups(made):
    """Of the least and the greatest class of a row group alone, nearly every class may be there."""
    state = Mirror.read(made).tables[CLASSIFIED]
    has = [set(pq.read_table(made / path, columns=["_sed_class"])["_sed_class"].to_pylist()) for path in state.files]
    scanned = {}
    with sedsql.connect(made) as con:
        for label in set.union(*has) - {None}:
            sql = con.translate(f"SELECT s.source_id FROM sed.photometry AS s WHERE sed_class(s) = '{label}'")
            plan = con.duckdb.execute(f"EXPLAIN ANALYZE {sql}").fetchall()[0][1]
            told = re.search(r"Row Groups Scanned: (\d+) / (\d+)", plan)
            if not told:
                pytest.skip("this DuckDB does not count row groups")
            scanned[label] = (int(told[1]), int(told[2]))
    assert scanned == {label: (sum(label in labels for labels in has), len(has)) for label in scanned}
    assert min(scanned.values())[0] < len(has)
    assert len(scanned) > 8
