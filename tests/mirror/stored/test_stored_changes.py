"""The stored sed.photometry is the join after what changes a mirror: rules, imports, repairs, crashes."""

from pathlib import Path

import duckdb
import pytest
from the_join import ROWS, changed, files, is_stored, is_the_join

import sedsql
from sedsql.catalogue import PHOTOMETRY
from sedsql.mirror import archive, layout, silent
from sedsql.mirror.compact import compact
from sedsql.mirror.database import open_mirror
from sedsql.mirror.ingest import import_files
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.repair import repair
from sedsql.mirror.rules import switch
from sedsql.mirror.stored import joined, photometry
from sedsql.mirror.stored import refresh as refreshing
from sedsql.mirror.stored.refresh import refresh
from sedsql.mirror.verify import verify

GAIA = "gaiadr3.gaia_source"


def limits(mirror):
    with open_mirror(mirror) as con:
        return con.execute(f"SELECT count(parallax), count(j_m) FROM {PHOTOMETRY}").fetchone()


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
