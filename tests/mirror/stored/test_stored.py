"""The stored sed.photometry is compared, row for row, with the join of sql/views.sql that DuckDB makes anew."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from the_join import ROWS, changed, files, is_stored, is_the_join

import sedsql
from sedsql.catalogue import CLASSIFIED, JOINED, PHOTOMETRY, Catalogue
from sedsql.mirror import silent
from sedsql.mirror.database import open_mirror
from sedsql.mirror.ingest import import_files
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.repair import repair
from sedsql.mirror.stored import joined, near_tables, photometry
from sedsql.mirror.stored import refresh as refreshing
from sedsql.mirror.stored.parts import parts
from sedsql.mirror.stored.refresh import refresh
from sedsql.mirror.verify import verify


def test_it_is_the_join(made):
    is_the_join(made / "stored")
    is_the_join(made / "joined")
    assert is_stored(made / "stored")
    assert not is_stored(made / "joined")
    assert len(files(made / "stored")) > 5
    state = photometry(Mirror.read(made / "stored").tables)
    assert state.rows == ROWS
    assert not list(verify(Mirror.read(made / "stored"), silent))
    for file in state.files.values():
        assert file.path.startswith("sed/photometry/dataset/Norder=")
        with duckdb.connect() as con:
            ids = con.execute(f"SELECT source_id FROM '{made / 'stored' / file.path}'").fetchnumpy()["source_id"]
        assert (ids[1:] > ids[:-1]).all()
        assert (ids[0] >> 35, ids[-1] >> 35) == (file.low, file.high)


def test_the_catalogue_says_the_same(made):
    known = []
    for name in ("stored", "joined"):
        with sedsql.connect(made / name) as con:
            tables = {key: con.catalogue.tables[key] for key in (PHOTOMETRY, CLASSIFIED)}
            told = con.execute(
                "SELECT * FROM tap_schema.columns WHERE table_name LIKE 'sed.%' "
                "AND table_name <> 'sed.photometry_joined' ORDER BY table_name, column_index"
            ).fetchall()
            about = con.execute(
                f"SELECT description FROM tap_schema.tables WHERE table_name = '{PHOTOMETRY}'"
            ).fetchall()
            apart = {"one_to_one": None, "rows": 0, "files": (), "check": ""}
            known.append((told, about, [vars(table) | apart for table in tables.values()]))
    assert known[0] == known[1]
    assert known[0][2][0]["cell_column"] == "source_id"
    with open_mirror(made / "stored") as con:
        tables = Catalogue.of(con).tables
    assert tables[JOINED].description.startswith("Simulated")
    assert (tables[PHOTOMETRY].one_to_one, tables[JOINED].one_to_one is None) == (None, False)


def test_a_cone_reads_one_table(made):
    query = (
        "SELECT COUNT(*) AS n, SUM(s.w1mpro) AS w FROM sed.photometry AS s "
        "WHERE 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(84, -5, 25))"
    )
    found = []
    for name, tables in (("stored", 1), ("joined", 3)):
        with sedsql.connect(made / name) as con:
            text = con.translate(query)
            assert "s.source_id BETWEEN" in text
            plan = con.duckdb.execute(f"EXPLAIN {text}").fetchall()[0][1]
            found.append((con.execute(query).fetchone(), plan.count("READ_PARQUET") / tables))
    assert found[0] == found[1]
    assert found[0][0][0] > 10


def test_it_is_the_join_however_few_sources_are_joined_at_a_time(plain, monkeypatch):
    monkeypatch.setattr(refreshing, "SLICE", 7)
    assert changed(plain, refresh) == ROWS
    is_the_join(plain)
    assert not list(verify(Mirror.read(plain), silent))


def test_a_source_that_has_two_matches_is_two_rows(plain, tmp_path):
    """The archive's table of best neighbours has one a source; a user's may have more."""
    name, path = "gaiadr3.allwise_best_neighbour", tmp_path / "matches.parquet"
    with open_mirror(plain) as con:
        rows = f"FROM {name} WHERE allwise_oid IN (SELECT allwise_oid FROM {name} ORDER BY 1 LIMIT 5)"
        con.execute(
            f"COPY (FROM {name} UNION ALL SELECT * REPLACE (allwise_oid + 1 AS allwise_oid) {rows}) TO '{path}'"
        )
    import_files(plain, [path], name, replace=True)
    assert is_stored(plain)
    is_the_join(plain, ROWS + 5)
    state = photometry(Mirror.read(plain).tables)
    assert sum(piece.rows for piece in state.pieces.values()) == ROWS + 5
    (plain / "mirror.duckdb").unlink()
    repair(plain, silent)
    assert is_stored(plain)


def test_a_match_far_away_is_found(plain, tmp_path):
    """As of a star that moved far, or of a table whose rows lie where they do not belong."""
    name, path = "gaiadr1.allwise_original_valid", tmp_path / "far.parquet"
    with open_mirror(plain) as con:
        far = "CASE WHEN allwise_oid % 3 = 0 THEN (ra + 100) % 360 ELSE ra END AS ra"
        con.execute(f"COPY (SELECT * EXCLUDE (_healpix_29) REPLACE ({far}) FROM {name}) TO '{path}'")
    import_files(plain, [path], name, replace=True)
    assert is_stored(plain)
    is_the_join(plain)
    with open_mirror(plain) as con:
        found = con.execute(
            f"SELECT count(*) FROM {PHOTOMETRY} JOIN gaiadr3.allwise_best_neighbour AS m USING (source_id) "
            "WHERE m.allwise_oid % 3 = 0 AND w1mpro IS NOT NULL"
        ).fetchone()
    assert found > (20,)


def test_a_part_is_joined_with_the_files_near_it(plain):
    """What lies far from it may be damaged: it is not opened."""
    tables = Mirror.read(plain).tables
    far = [path for k in (6, 7, 9, 10, 11) for path in plain.glob(f"gaiadr1/*/dataset/Norder=0/Dir=0/Npix={k}/*")]
    assert len(far) >= 8
    for path in far:
        path.write_bytes(b"damaged")
    with open_mirror(plain) as con, near_tables.near_tables(con):
        first = parts(tables, joined.definition(con))[0]
        assert first.cells == [(0, 1 << 24)]
        near_tables.fill_part(con, first, plain, tables)
        counts = con.execute(
            "SELECT count(*), count(j_m), count(w1mpro) "
            f"FROM ({joined.select().replace('gaiadr', near_tables.PART + '.gaiadr')})"
        ).fetchone()
    assert min(counts) > 2


def test_a_mirror_without_its_tables_is_told(tmp_path):
    with Mirror.new(tmp_path / "m") as held:
        held.save()
    with pytest.raises(sedsql.Error, match=r"has no gaiadr3.gaia_source, .*; `sedsql mirror sed` fetches all"):
        changed(tmp_path / "m", refresh)


def test_the_shell_of_duckdb_reads_it(mirror):
    shell = Path(sys.executable).parent / "duckdb"
    if not shell.exists():
        pytest.skip("no shell of DuckDB")
    query = f"SELECT source_id, w1mpro FROM {PHOTOMETRY} WHERE w1mpro IS NOT NULL ORDER BY 1 LIMIT 30"
    command = [shell, "-readonly", "-csv", "mirror.duckdb", query]
    done = subprocess.run(command, cwd=mirror, capture_output=True, text=True, check=True)
    with open_mirror(mirror) as con:
        rows = con.execute(query).fetchall()
    found = [(int(one), float(other)) for one, other in list(csv.reader(io.StringIO(done.stdout)))[1:]]
    assert found == rows
    assert len(rows) == 30


def test_the_commands(plain, sedsql):
    def good(*words):
        ran = sedsql(*words)
        assert ran.code == 0, ran.err
        return ran.out + ran.err

    assert "800 rows were stored" in good("mirror", "refresh", plain)
    assert "0 rows were stored" in good("mirror", "refresh", plain)
    assert "its tables" in good("mirror", "info", plain)
    assert "sedsql mirror refresh" in good("mirror", "rules", plain, "--off", "mates").replace("\n", " ")
    assert "stale" in good("mirror", "info", plain)
    assert "sedsql mirror refresh" in good("mirror", "verify", plain).replace("\n", " ")
    assert "sedsql mirror refresh" not in good("mirror", "rules", plain, "--on", "mates")
    new = plain.parent / "new"
    good("mirror", "sample", new, "--rows", "50")
    assert is_stored(new)
    good("mirror", "sample", new, "--rows", "50", "--force", "--joined")
    assert not is_stored(new)
    assert not os.path.exists(new / "sed")
