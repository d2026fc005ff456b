"""The stored sed.photometry is compared, row for row, with the join of sql/views.sql that DuckDB makes anew."""

import csv
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import sedsql
from sedsql.catalogue import CLASSIFIED, JOINED, PHOTOMETRY, Catalogue
from sedsql.mirror import archive, layout
from sedsql.mirror.compact import compact
from sedsql.mirror.database import open_mirror
from sedsql.mirror.ingest import import_files
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.repair import repair
from sedsql.mirror.rules import switch
from sedsql.mirror.sample import write_sample
from sedsql.mirror.stored import joined, near_tables, photometry
from sedsql.mirror.stored import refresh as refreshing
from sedsql.mirror.stored.parts import parts
from sedsql.mirror.stored.refresh import refresh
from sedsql.mirror.verify import verify

ROWS = 800
GAIA = "gaiadr3.gaia_source"


def silent(what, done, of=None):
    pass


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A mirror that has sed.photometry stored in several partitions, and one that has not; not to be changed."""
    folder = tmp_path_factory.mktemp("stored")
    for name, stores in (("stored", True), ("joined", False)):
        write_sample(folder / name, ROWS, seed=4, rich=True, stores=stores)
    return folder


@pytest.fixture
def mirror(made, tmp_path):
    shutil.copytree(made / "stored", tmp_path / "m")
    return tmp_path / "m"


@pytest.fixture
def plain(made, tmp_path):
    """A mirror whose sed.photometry is a join."""
    shutil.copytree(made / "joined", tmp_path / "m")
    return tmp_path / "m"


def is_stored(mirror):
    with open_mirror(mirror) as con:
        return joined.is_stored(con)


def is_the_join(mirror, rows=ROWS):
    """Compare the view with the join of this moment, both ways."""
    with open_mirror(mirror) as con:
        view, fresh = f"FROM {PHOTOMETRY}", f"FROM ({joined.select()})"
        for one, other in ((view, fresh), (fresh, view)):
            assert con.execute(f"SELECT count(*) FROM ({one} EXCEPT ALL {other})").fetchone() == (0,)
        assert con.execute(f"SELECT count(*) {view}").fetchone() == (rows,)
        assert con.execute(f"DESCRIBE {view}").fetchall() == con.execute(f"DESCRIBE {fresh}").fetchall()


def changed(mirror, work):
    with Mirror.change(mirror) as held:
        return work(held)


def files(mirror):
    return set(photometry(Mirror.read(mirror).tables).files)


def limits(mirror):
    with open_mirror(mirror) as con:
        return con.execute(f"SELECT count(parallax), count(j_m) FROM {PHOTOMETRY}").fetchone()


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


def test_a_rule_that_is_switched_makes_it_stale(mirror):
    before, kept = files(mirror), limits(mirror)
    changed(mirror, lambda held: _switch(held, "ruwe", False))
    assert not is_stored(mirror)
    is_the_join(mirror)
    assert limits(mirror)[0] > kept[0]
    assert files(mirror) == before
    changed(mirror, lambda held: _switch(held, "ruwe", True))
    assert is_stored(mirror)
    assert limits(mirror) == kept
    changed(mirror, lambda held: _switch(held, "mates", False))
    assert changed(mirror, refresh) == ROWS
    assert is_stored(mirror)
    is_the_join(mirror)
    assert limits(mirror)[1] > kept[1]
    assert not files(mirror) & before
    assert not any((mirror / path).exists() for path in before)
    assert changed(mirror, refresh) == 0


def _switch(held, rule, on):
    with held.edit_database() as con:
        switch(con, rule, on)


def test_a_rule_that_a_user_changes_by_hand_counts(mirror):
    kept = limits(mirror)
    with duckdb.connect(mirror / "mirror.duckdb") as con:
        con.execute("CREATE OR REPLACE MACRO sed.ruwe(ruwe) AS true")
    with pytest.raises(duckdb.Error, match="sedsql mirror refresh"):
        limits(mirror)
    assert changed(mirror, refresh) == ROWS
    is_the_join(mirror)
    assert limits(mirror)[0] > kept[0]


def halves(mirror, folder):
    """Each of the six tables in files of two halves of the sky, by the match of each source."""
    folder.mkdir()
    with open_mirror(mirror) as con:
        ids = con.execute(f"SELECT median(source_id)::BIGINT FROM {GAIA}").fetchone()[0]
        for name in archive.TABLES:
            columns = con.execute(f"DESCRIBE {name}").fetchall()
            half = f"source_id < {ids}" if columns[2][0] == "source_id" or "neighbour" in name else "true"
            for number, condition in enumerate((half, f"NOT ({half})")):
                con.execute(f"COPY (SELECT * FROM {name} WHERE {condition}) TO '{folder / f'{name}-{number}.parquet'}'")
    return folder


def test_an_import_of_the_last_table_stores_it_and_more_rows_are_added(mirror, tmp_path):
    parts, new = halves(mirror, tmp_path / "halves"), tmp_path / "new"
    for name in archive.TABLES:
        assert not new.exists() or PHOTOMETRY not in Mirror.read(new).tables
        import_files(new, [parts / f"{name}-0.parquet"], name)
    rows = Mirror.read(new).tables[GAIA].rows
    assert 0 < rows < ROWS
    assert is_stored(new)
    is_the_join(new, rows)
    before = files(new)
    import_files(new, [parts / f"{GAIA}-1.parquet"], GAIA, stores=False)
    assert not is_stored(new)
    is_the_join(new)
    gaia = Mirror.read(new).tables[GAIA].files.values()
    touched = {Path(file.path).parent for file in gaia if "import-2" in file.path}
    expected = sum(file.rows for file in gaia if Path(file.path).parent in touched)
    assert changed(new, refresh) == expected < ROWS  # partitions that are as they were are kept
    assert is_stored(new)
    assert files(new) & before
    for name in archive.TABLES:
        if "neighbour" in name:
            import_files(new, [parts / f"{name}-1.parquet"], name)
            assert is_stored(new)
            is_the_join(new)
    with open_mirror(new) as one, open_mirror(mirror) as other:
        asked = f"SELECT * FROM {PHOTOMETRY} ORDER BY source_id"
        assert one.sql(asked).to_arrow_table().equals(other.sql(asked).to_arrow_table())


@pytest.mark.thorough
def test_files_that_are_merged_leave_it_as_it_is(plain, tmp_path):
    parts, new = halves(plain, tmp_path / "halves"), tmp_path / "new"
    for name in archive.TABLES:
        import_files(new, [parts / f"{name}-0.parquet"], name, stores=False)
        if Mirror.read(new).tables[name].rows < Mirror.read(plain).tables[name].rows:
            import_files(new, [parts / f"{name}-1.parquet"], name, stores=False)
    changed(new, refresh)
    before, order = files(new), Mirror.read(new).tables[GAIA].order
    with Mirror.change(new) as held:
        for name in archive.TABLES:
            compact(held, held.tables[name], silent)
    merged = Mirror.read(new).tables[GAIA]
    assert any("part-1" in path for path in merged.files)
    assert merged.order == order
    assert is_stored(new)
    assert files(new) == before
    is_the_join(new)
    assert changed(new, refresh) == 0


@pytest.mark.thorough
def test_other_partitions_make_other_parts(mirror, sedsql, monkeypatch):
    before = files(mirror)
    monkeypatch.setattr(layout, "PARTITION_ROWS", 40)
    ran = sedsql("mirror", "compact", mirror)
    assert ran.code == 0, ran.err
    assert is_stored(mirror)
    assert len(files(mirror)) > len(before)
    is_the_join(mirror)
    assert not list(verify(Mirror.read(mirror), silent))


def test_a_file_that_is_damaged_is_dropped_and_written_again(mirror):
    path = sorted(files(mirror))[2]
    lost = photometry(Mirror.read(mirror).tables).files[path].rows
    (mirror / path).write_bytes(b"nothing")
    assert [problem.file for problem in verify(Mirror.read(mirror), silent)] == [path]
    done = repair(mirror, silent)
    assert any(path in line and "sedsql mirror refresh" in line for line in done)
    assert not is_stored(mirror)
    is_the_join(mirror)
    assert changed(mirror, refresh) == lost
    assert is_stored(mirror)
    is_the_join(mirror)


def test_a_lost_manifest_is_made_from_the_files(mirror):
    before = files(mirror)
    (mirror / "mirror.duckdb").unlink()
    repair(mirror, silent)
    assert is_stored(mirror)
    assert files(mirror) == before
    is_the_join(mirror)


def test_a_table_that_goes_takes_it_along(mirror):
    def drop(held):
        del held.tables["gaiadr1.tmass_original_valid"]
        held.save()

    changed(mirror, drop)
    assert not list((mirror / "sed").rglob("*.parquet"))
    with open_mirror(mirror) as con:
        assert con.execute("SELECT view_name FROM duckdb_views() WHERE schema_name = 'sed'").fetchall() == [("rules",)]


@pytest.mark.parametrize("how", ["first", "again"])
def test_a_refresh_that_is_killed_goes_on(plain, killed, how):
    if how == "again":
        changed(plain, refresh)
        changed(plain, lambda held: _switch(held, "ruwe", False))
    for part in (1, 3):
        killed(plain, part, "from sedsql.mirror.stored.refresh import refresh; refresh(mirror)")
        with open_mirror(plain) as con:  # what a reader sees at once
            assert not joined.is_stored(con)
        is_the_join(plain)
    left = changed(plain, refresh)
    assert 0 < left < ROWS
    assert is_stored(plain)
    is_the_join(plain)
    assert not list(verify(Mirror.read(plain), silent))
    assert sum(1 for _ in plain.glob("sed/photometry/**/*.parquet")) == len(files(plain))


def test_a_full_disk_is_told_and_leaves_the_join(plain, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(refreshing.TableWriter, "write", full)
    with pytest.raises(sedsql.Error, match=r"The disk of .* is full, .* `sedsql mirror refresh"):
        changed(plain, refresh)
    monkeypatch.undo()
    is_the_join(plain)
    assert changed(plain, refresh) == ROWS


def test_a_mirror_of_before_goes_on_working(plain, tmp_path):
    """Its view is an earlier one: an import leaves it, `refresh` replaces it."""
    text = "SELECT source_id, ra, dec, parallax, 1 AS mine FROM gaiadr3.gaia_source"
    with duckdb.connect(plain / "mirror.duckdb") as con:
        con.execute(f"SET file_search_path = '{plain}'; CREATE OR REPLACE VIEW {PHOTOMETRY} AS {text}")
    parts = halves(plain, tmp_path / "halves")
    import_files(
        plain, [parts / "gaiadr3.allwise_best_neighbour-0.parquet"], "gaiadr3.allwise_best_neighbour", replace=True
    )
    with open_mirror(plain) as con:
        assert con.execute(f"SELECT sum(mine) FROM {PHOTOMETRY}").fetchone() == (ROWS,)
    assert PHOTOMETRY not in Mirror.read(plain).tables
    changed(plain, refresh)
    assert is_stored(plain)
    is_the_join(plain)


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
