"""A manifest is read as it was written, or an error says what is wrong with it."""

import json
import random
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sedsql.catalogue import Catalogue, Column, Key, table_of
from sedsql.mirror.database import open_mirror
from sedsql.mirror.journal import JOURNAL
from sedsql.mirror.lock import writing
from sedsql.mirror.manifest import MirrorError, check_name
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.table_state import Piece, TableState
from sedsql.mirror.writer import TableWriter

COLUMNS = [Column("source_id", "BIGINT", None, "meta.id"), Column("g", "REAL", "mag", "phot.mag", "Brightness")]
TABLE = table_of("gaia.t", "Some sources", COLUMNS)


def stored():
    partitioning = {"kind": "cells", "table": "gaia.t", "columns": ["source_id", "g"], "condition": "g < 3"}
    return TableState(TABLE, 0, "http://tap.example.org", "g < 3", partitioning, wanted=[(0, 100), (200, 300)])


def piece_of(mirror, one, low, high):
    """Written and noted, as a download does."""
    piece = Piece(f"{low}-{high}", [(low, high)], high - low, high - low, "SELECT ...", "2026-01-01T00:00:00+00:00")
    rows = pa.table({"source_id": pa.array(range(low << 35, high << 35, 1 << 35)), "g": pa.array([1.5] * (high - low))})
    with TableWriter(mirror, one.table, 0, piece.name) as writer:
        writer.write(rows)
        Mirror(mirror, {one.table.name: one}).add_piece(one, piece, writer.close())


@pytest.fixture
def mirror(tmp_path):
    """Two pieces in the manifest, a third in the journal."""
    tables = {"gaia.t": stored()}
    for low, high in ((0, 40), (40, 70)):
        piece_of(tmp_path, tables["gaia.t"], low, high)
    with writing(tmp_path):
        Mirror(tmp_path, tables).save()
    piece_of(tmp_path, tables["gaia.t"], 210, 260)
    return tmp_path


def test_a_manifest_is_read_as_it_was_written(mirror):
    before = Mirror.read(mirror)
    with writing(mirror):
        before.save()
    assert not (mirror / JOURNAL).exists()
    assert Mirror.read(mirror) == before
    (one,) = before.tables.values()
    assert one.table == TABLE
    assert (one.order, one.service, one.condition, one.partitioning) == (
        0,
        "http://tap.example.org",
        "g < 3",
        stored().partitioning,
    )
    assert one.covered == [(0, 70), (210, 260)]
    assert one.missing == [(70, 100), (200, 210), (260, 300)]
    assert one.rows == 120


def test_a_line_torn_from_the_journal_is_a_piece_that_never_came(mirror):
    journal = mirror / JOURNAL
    whole = journal.read_text()
    line = json.loads(whole)
    line["piece"]["name"] = "260-300"
    for cut in (1, 20, len(json.dumps(line)) - 1):
        journal.write_text(whole + json.dumps(line)[:cut])
        assert set(Mirror.read(mirror).tables["gaia.t"].pieces) == {"0-40", "40-70", "210-260"}
    journal.write_text(whole[:-30])
    assert set(Mirror.read(mirror).tables["gaia.t"].pieces) == {"0-40", "40-70"}


def test_who_does_not_hold_the_lock_writes_nothing(mirror):
    held, before = Mirror.read(mirror), (mirror / "mirror.duckdb").read_bytes()
    with pytest.raises(MirrorError, match=r"is not locked for writing; change it within `with Mirror\.change"):
        held.save()
    with pytest.raises(MirrorError, match="is not locked for writing"), held.edit_database():
        pass
    assert (mirror / "mirror.duckdb").read_bytes() == before
    with Mirror.change(mirror) as changed:
        changed.save()
        with changed.edit_database() as con:
            con.execute("CREATE TABLE mine AS SELECT 7 AS a")
    with pytest.raises(MirrorError, match="is not locked for writing"):
        changed.save()


def test_a_journal_that_is_in_the_manifest_already_changes_nothing(mirror):
    journal = (mirror / JOURNAL).read_text()
    before = Mirror.read(mirror)
    with writing(mirror):
        before.save()
    (mirror / JOURNAL).write_text(journal)
    assert Mirror.read(mirror) == before


def test_files_that_the_manifest_does_not_name_are_no_rows_and_are_swept(mirror):
    stray = mirror / "gaia/t/dataset/Norder=0/Dir=0/Npix=7/70-80.parquet"
    stray.parent.mkdir(parents=True)
    shutil.copy(next((mirror / "gaia").rglob("0-40-*.parquet")), stray)
    (stray.parent / ".partial-x.parquet").touch()
    with Mirror.change(mirror) as held:
        assert held.tables["gaia.t"].rows == 120
    assert not stray.parent.exists()
    with open_mirror(mirror) as con:
        assert con.execute("SELECT count(*), count(DISTINCT source_id) FROM gaia.t").fetchone() == (120, 120)


def test_a_user_s_own_tables_and_views_stay(mirror):
    with open_mirror(mirror, read_only=False) as con:
        con.execute("CREATE TABLE mine AS SELECT 7 AS a")
        con.execute("CREATE VIEW bright AS SELECT * FROM gaia.t WHERE g < 2")
    with writing(mirror):
        Mirror.read(mirror).save()
    with open_mirror(mirror) as con:
        assert con.execute("SELECT a FROM mine").fetchone() == (7,)
        assert con.execute("SELECT count(*) FROM bright").fetchone() == (120,)


def test_tap_schema_tells_of_tables_columns_and_keys(mirror):
    held = Mirror.read(mirror)
    held.tables["gaia.u"] = TableState(table_of("gaia.u", None, COLUMNS[:1]), 0)
    with writing(mirror):
        held.save(keys=[Key("gaia.t", "gaia.u", (("source_id", "source_id"),))])
        held.save()
    with open_mirror(mirror) as con:
        rows = con.execute(
            "SELECT column_name, datatype, unit, ucd, description, indexed FROM tap_schema.columns "
            "WHERE table_name = 'gaia.t' ORDER BY column_index"
        ).fetchall()
        keys = con.execute(
            "SELECT from_table, target_table, from_column, target_column FROM tap_schema.keys "
            "JOIN tap_schema.key_columns USING (key_id) WHERE from_table NOT LIKE 'tap_schema.%'"
        ).fetchall()
        assert con.execute("SELECT count(*) FROM gaia.u").fetchone() == (0,)
        assert Catalogue.of(con).tables["gaia.t"] == TABLE
    assert rows == [
        ("source_id", "long", None, "meta.id", None, 1),
        ("g", "float", "mag", "phot.mag", "Brightness", 0),
    ]
    assert keys == [("gaia.t", "gaia.u", "source_id", "source_id")]


def test_a_mirror_without_a_manifest_is_told_so(mirror):
    with duckdb.connect(mirror / "mirror.duckdb") as con:
        con.execute("DROP SCHEMA manifest CASCADE")
    with pytest.raises(MirrorError, match=r"has no manifest; `sedsql mirror repair .*` makes one from its files"):
        Mirror.read(mirror)


def test_sweep_leaves_other_folders_alone(mirror):
    other = mirror / "notes" / "mine.parquet"
    other.parent.mkdir()
    other.touch()
    Mirror.read(mirror).sweep()
    assert other.exists()
    assert Path(mirror / "mirror.duckdb").exists()


@pytest.mark.parametrize(
    "name", ['s."quoted"', "s.it's", "J/A+A/1/table.2", 's.x"; DROP SCHEMA manifest; --', "../../../x", "..", "a."]
)
def test_a_table_of_any_name_is_stored_within_the_mirror(tmp_path, name):
    mirror = tmp_path / "in" / "sky"
    mirror.mkdir(parents=True)
    one = TableState(table_of(name, None, [Column("source_id", "BIGINT"), Column('g"; --', "REAL")]))
    rows = pa.table({"source_id": pa.array([3, 4]), 'g"; --': pa.array([1.5, 2.5], pa.float32())})
    with TableWriter(mirror, one.table, None, "all") as writer:
        writer.write(rows)
        one.files = {file.path: file for file in writer.close()}
    with writing(mirror):
        Mirror(mirror, {name.lower(): one}).save()
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["sky"]
    found = Mirror.read(mirror).tables
    assert found == {name.lower(): one}
    schema, table = (part.replace('"', '""') for part in one.table.parts)
    with open_mirror(mirror) as con:
        assert con.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall() == [(3, 1.5), (4, 2.5)]


@pytest.mark.parametrize(
    "name", ["manifest.files", "TAP_SCHEMA.columns", "information_schema.x", "s.a\nb", "s." + "x" * 200, " "]
)
def test_a_name_that_no_table_can_have_is_refused(name):
    with pytest.raises(MirrorError, match=r"cannot be in a mirror|is no name for a table"):
        check_name(table_of(name, None, []))


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/x.parquet", "gaia/../../x.parquet"])
def test_a_manifest_names_no_file_outside_of_the_mirror(mirror, path):
    with duckdb.connect(mirror / "mirror.duckdb") as con:
        con.execute("UPDATE manifest.files SET path = ? WHERE path LIKE '%0-40%'", [path])
    with pytest.raises(MirrorError, match="outside of the mirror"):
        Mirror.read(mirror)


def _flipped(data, place):
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


@pytest.mark.parametrize("damage", range(6))
def test_a_damaged_database_is_told_and_made_anew(tmp_path, tiny_sky, sedsql, damage):
    """Cut anywhere, or with a byte changed: DuckDB finds some of that only when it reads the place."""
    mirror = tmp_path / "sky"
    shutil.copytree(tiny_sky, mirror)
    good = (mirror / "mirror.duckdb").read_bytes()
    place = random.Random(damage).randrange(12_288, len(good))
    (mirror / "mirror.duckdb").write_bytes(good[:place] if damage % 3 else _flipped(good, place))
    verified = sedsql("mirror", "verify", mirror)
    if damage % 3:
        assert verified.code == 1
    assert "Traceback" not in verified.err
    repaired = sedsql("mirror", "repair", mirror)
    assert repaired.code == 0, repaired.err
    assert ("mirror.duckdb.damaged" in repaired.out) == (verified.code == 1)
    assert "All is well" in sedsql("mirror", "verify", mirror).out
    with open_mirror(mirror) as con, open_mirror(tiny_sky) as before:
        for view in ("sed.photometry", "gaiadr3.gaia_source", "sample.truth"):
            query = f"SELECT * FROM {view} ORDER BY source_id"
            assert con.execute(query).fetchall() == before.execute(query).fetchall()
