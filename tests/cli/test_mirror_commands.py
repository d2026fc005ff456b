"""Test the commands `sedsql mirror ...` as a user types them, against a service on this machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from math import inf

import duckdb
import pytest
from servers.faulty import Fault

from sedsql.mirror.database import open_mirror
from sedsql.mirror.journal import JOURNAL
from sedsql.mirror.lock import writing
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.mirror import Mirror

Ran = namedtuple("Ran", "code out err")
COMMAND = [sys.executable, "-c", "from sedsql.cli.main import main; main()"]
pytestmark = pytest.mark.slow
MATCH, GAIA = "gaiadr3.allwise_best_neighbour", "gaiadr3.gaia_source"


def in_process(*words):
    """Start the command in a process of its own, for tests of several processes."""
    done = subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, timeout=120)
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def good(sedsql):
    """Return the output of a command that must not fail."""

    def good(*words):
        done = sedsql(*words)
        assert done.code == 0, done.err
        return done.out

    return good


@pytest.fixture
def bad(sedsql):
    """Return the one line on standard error of a command that must fail."""

    def bad(*words):
        done = sedsql(*words)
        assert done.code == 1, done.out
        assert "Traceback" not in done.err
        (line,) = done.err.strip().splitlines()
        return line

    return bad


@pytest.fixture
def mirror(faulty, tmp_path, good):
    """Make a mirror of one table."""
    good("mirror", "add", tmp_path / "m", MATCH, "--from", faulty.url)
    return tmp_path / "m"


def test_add_info_verify(faulty, mirror, small_mirror, good, bad):
    with open_mirror(small_mirror) as con:
        (rows,) = con.execute(f"SELECT count(*) FROM {MATCH}").fetchone()
    (about,) = json.loads(good("mirror", "info", mirror, "--json"))
    assert (about["table"], about["rows"], about["fetched"], about["from"]) == (MATCH, rows, "100 %", faulty.url)
    columns = json.loads(good("mirror", "info", mirror, MATCH, "--json"))
    assert columns[2] == {
        "column": "angular_distance",
        "type": "REAL",
        "unit": "arcsec",
        "ucd": "pos.angDistance",
        "description": "Distance between the two",
    }
    assert good("mirror", "verify", mirror, "--remote").startswith("All is well: 12 files")
    assert "did you mean gaiadr3.allwise_best_neighbour?" in bad("mirror", "info", mirror, "gaiadr3.allwise_neighbour")


def test_names_with_quotes_and_folders_with_apostrophes(faulty, tmp_path, good):
    name = 'viz."J/A+A/1/table2"'
    faulty.archive.alter("CREATE SCHEMA viz")
    faulty.archive.alter(f'CREATE TABLE {name} AS SELECT source_id AS "Source", ra, dec FROM gaiadr3.gaia_source')
    mirror = tmp_path / "it's here"
    words = ("mirror", "add", mirror, name, "--from", faulty.url, "--region")
    assert "of viz.J/A+A/1/table2" in good(*words, "BOX(30, 0, 60, 60)")
    good(*words, "BOX(80, 0, 60, 60)")
    assert "files before" in good("mirror", "compact", mirror)
    (mirror / "mirror.duckdb").unlink()
    good("mirror", "repair", mirror)
    assert good("mirror", "verify", mirror).startswith("All is well")


def test_verify_tells_of_rows_that_the_service_has_since(faulty, mirror, sedsql):
    faulty.archive.alter(f"DELETE FROM {MATCH} WHERE source_id = (SELECT min(source_id) FROM {MATCH})")
    done = sedsql("mirror", "verify", mirror, "--remote")
    assert done.code == 1
    assert "now has" in done.out


def test_sed_makes_sed_photometry(faulty, tmp_path, small_mirror, good):
    good("mirror", "sed", tmp_path / "m", "--from", faulty.url, "--region", "CIRCLE(83.8, -5.4, 25)")
    query = "SELECT sed_class(s) AS class, COUNT(*) AS n FROM sed.photometry AS s"
    query += " WHERE DISTANCE(s.ra, s.dec, 83.8, -5.4) < 25 GROUP BY sed_class(s) ORDER BY n DESC, class"
    got = good("query", query, "-m", tmp_path / "m", "--json")
    assert json.loads(got) == json.loads(good("query", query, "-m", small_mirror, "--json"))
    assert json.loads(got)[0]["n"] > 10


def test_a_file_that_is_gone_or_changed_is_fetched_again(mirror, good, bad, sedsql):
    before = good("query", f"SELECT * FROM {MATCH} ORDER BY source_id", "-m", mirror, "--json")
    first, second = sorted(mirror.rglob("Npix=*/*.parquet"))[:2]
    first.unlink()
    with second.open("r+b") as file:
        file.seek(100)
        file.write(b"xxxx")
    assert "sedsql mirror verify DIR" in bad("query", f"SELECT * FROM {MATCH}", "-m", mirror)
    done = sedsql("mirror", "verify", mirror)
    assert done.code == 1
    assert f"{first.relative_to(mirror)} is gone" in done.out
    assert f"{second.relative_to(mirror)} has changed since it was written" in done.out
    assert f"sedsql mirror repair {mirror}" in done.out
    assert f"sedsql mirror resume {mirror}" in good("mirror", "repair", mirror)
    good("mirror", "resume", mirror)
    good("mirror", "verify", mirror)
    assert good("query", f"SELECT * FROM {MATCH} ORDER BY source_id", "-m", mirror, "--json") == before


@pytest.mark.parametrize("damage", ["no manifest", "garbage", "gone", "half a manifest", "gone, with a file"])
def test_a_manifest_is_made_anew_from_the_files(mirror, damage, good, bad):
    before = good("query", f"SELECT * FROM {MATCH} ORDER BY source_id", "-m", mirror, "--json")
    described = good("mirror", "info", mirror, MATCH)
    database = mirror / "mirror.duckdb"
    if damage.startswith("gone"):
        database.unlink()
    elif damage == "garbage":
        database.write_bytes(b"garbage" * 5000)
    else:
        with duckdb.connect(database) as con:
            con.execute("DROP SCHEMA manifest CASCADE" if damage == "no manifest" else "DROP TABLE manifest.files")
        assert f"`sedsql mirror repair {mirror}`" in bad("mirror", "info", mirror)
    if damage == "gone, with a file":
        next(mirror.rglob("*.parquet")).unlink()
    good("mirror", "repair", mirror)
    good("mirror", "resume", mirror)
    assert good("mirror", "verify", mirror, "--remote").startswith("All is well")
    assert good("query", f"SELECT * FROM {MATCH} ORDER BY source_id", "-m", mirror, "--json") == before
    assert good("mirror", "info", mirror, MATCH) == described


def test_a_later_sedsql_s_mirror_is_not_touched(mirror, bad):
    with duckdb.connect(mirror / "mirror.duckdb") as con:
        con.execute("UPDATE manifest.mirror SET version = 99")
    for command in ("info", "resume", "repair", "verify"):
        assert "was made by a later sedsql" in bad("mirror", command, mirror)


@pytest.mark.thorough
def test_two_writers_and_a_reader(mirror):
    with writing(mirror), open_mirror(mirror) as reader:
        for command, said in (("compact", "is writing to"), ("resume", "--wait")):
            done = in_process("mirror", command, mirror)
            assert (done.code, len(done.err.splitlines())) == (1, 1)
            assert said in done.err
        waiting = subprocess.Popen([*COMMAND, "mirror", "resume", mirror, "--wait"], stdout=subprocess.DEVNULL)
        time.sleep(2.5)
        assert waiting.poll() is None
        assert reader.execute(f"SELECT count(*) FROM {MATCH}").fetchone()[0] > 1000
    assert waiting.wait(60) == 0


def test_a_reader_bars_no_writer(faulty, mirror):
    with open_mirror(mirror) as reader:
        done = in_process("mirror", "add", mirror, GAIA, "--from", faulty.url, "--region", "CIRCLE(83.8, -5.4, 20)")
        assert done.code == 0, done.err
        # The query continues with the file that it opened.
        assert reader.execute(f"SELECT count(*) FROM {MATCH}").fetchone()[0] > 1000
    assert set(Mirror.read(mirror).tables) == {MATCH, GAIA}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_at_once_and_resume_goes_on(faulty, tmp_path, small_mirror, number, good):
    faulty.limit = 300
    faulty.faults.append(Fault("slow", 1, on="SELECT source_id.*BETWEEN", after=3, times=inf))
    command = [*COMMAND, "mirror", "add", tmp_path / "m", MATCH, "--from", faulty.url]
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Shells start background processes with SIGINT ignored, and tests may run in one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    end = time.monotonic() + 60
    while not (tmp_path / "m" / JOURNAL).exists() and time.monotonic() < end:
        time.sleep(0.05)
    running.send_signal(number)
    start = time.monotonic()
    _, said = running.communicate(timeout=60)
    assert time.monotonic() - start < 30
    assert running.returncode == 128 + number
    assert f"What came is kept; go on with `sedsql mirror resume {tmp_path / 'm'}`" in said
    assert "Traceback" not in said
    part = Mirror.read(tmp_path / "m").tables[MATCH].rows
    faulty.faults.clear()
    good("mirror", "resume", tmp_path / "m")
    with open_mirror(small_mirror) as con:
        (rows,) = con.execute(f"SELECT count(*) FROM {MATCH}").fetchone()
    assert 0 < part < Mirror.read(tmp_path / "m").tables[MATCH].rows == rows


def test_compact_leaves_the_rows_and_few_files(faulty, tmp_path, small_mirror, good):
    for place in (0, 32):
        good("mirror", "add", tmp_path / "m", MATCH, "--from", faulty.url, "--region", f"BOX({place}, 0, 34, 60)")
    before = Mirror.read(tmp_path / "m").tables[MATCH]
    rows = good("query", f"SELECT * FROM {MATCH} ORDER BY source_id", "-m", tmp_path / "m", "--json")
    good("mirror", "compact", tmp_path / "m")
    after = Mirror.read(tmp_path / "m").tables[MATCH]
    assert after.rows == before.rows
    assert len(after.files) == len({os.path.dirname(path) for path in after.files}) < len(before.files)
    assert sorted(
        path.relative_to(tmp_path / "m").as_posix() for path in (tmp_path / "m").rglob("*.parquet")
    ) == sorted(after.files)
    assert good("query", f"SELECT * FROM {MATCH} ORDER BY source_id", "-m", tmp_path / "m", "--json") == rows
    assert good("mirror", "verify", tmp_path / "m").startswith("All is well")


def test_rules_are_listed_and_switched(small_mirror, tmp_path, good, bad):
    shutil.copytree(small_mirror, tmp_path / "m")
    query = "SELECT COUNT(parallax) AS n FROM sed.photometry"

    def parallaxes():
        return json.loads(good("query", query, "-m", tmp_path / "m", "--json"))[0]["n"]

    kept = parallaxes()
    rules = {row["rule"]: row["applied"] for row in json.loads(good("mirror", "rules", tmp_path / "m", "--json"))}
    assert len(rules) == 7
    assert all(rules.values())
    rules = json.loads(good("mirror", "rules", tmp_path / "m", "--off", "ruwe", "--json"))
    assert [row["rule"] for row in rules if not row["applied"]] == ["ruwe"]
    assert parallaxes() > kept
    good("mirror", "rules", tmp_path / "m", "--on", "ruwe")
    assert parallaxes() == kept
    assert "did you mean ruwe" in bad("mirror", "rules", tmp_path / "m", "--off", "ruw")


def test_a_dry_run_counts_what_would_come(faulty, tmp_path, good, bad):
    region = ("--from", faulty.url, "--region", "CIRCLE(83.8, -5.4, 25)")
    expected = json.loads(good("mirror", "sed", tmp_path / "m", *region, "--dry-run", "--json"))
    assert not (tmp_path / "m").exists()
    fetched = json.loads(good("mirror", "sed", tmp_path / "m", *region, "--json"))["fetched"]
    tables = {one["table"]: one["rows"] for one in json.loads(good("mirror", "info", tmp_path / "m", "--json"))}
    assert tables.pop("sed.photometry") > 0  # stored, and not fetched
    assert {one["table"]: one["rows"] for one in expected["tables"]} == tables
    assert expected["rows"] == fetched == sum(tables.values()) > 100
    assert expected["MB"] > 0
    assert 0 < expected["seconds"] < 600
    again = good("mirror", "sed", tmp_path / "m", *region, "--dry-run")
    assert again.splitlines()[-1].startswith("0 rows, about 0.0 MB")
    assert "did you mean Pleiades" in bad("mirror", "sed", tmp_path / "m", "--region", "Pleides", "--dry-run")


def test_what_commands_do_is_told_in_json(faulty, tmp_path, good, sedsql):
    folder = tmp_path / "m"
    added = json.loads(good("mirror", "add", folder, MATCH, "--from", faulty.url, "--json"))
    (listed,) = json.loads(good("mirror", "info", folder, "--json"))
    assert (added["table"], added["fetched"], added["rows"]) == (MATCH, listed["rows"], listed["rows"])
    verified = json.loads(good("mirror", "verify", folder, "--json"))
    assert (verified["rows"], verified["problems"]) == (listed["rows"], [])
    (compacted,) = json.loads(good("mirror", "compact", folder, "--json"))
    assert compacted["table"] == MATCH
    next(folder.rglob("Npix=*/*.parquet")).unlink()
    broken = sedsql("mirror", "verify", folder, "--json")
    assert broken.code == 1
    assert [one["what"] for one in json.loads(broken.out)["problems"]] == ["is gone"]
    assert json.loads(good("mirror", "repair", folder, "--json"))["missing"] is True
    assert json.loads(good("mirror", "resume", folder, "--json"))["fetched"] > 0
    assert json.loads(good("mirror", "sample", tmp_path / "s", "--rows", 500, "--json"))["sources"] == 500


def test_a_region_with_a_name(faulty, tmp_path, good):
    listed = {one["name"]: one for one in json.loads(good("mirror", "regions", "--json"))}
    assert listed["Orion Nebula Cluster"]["ra"] == pytest.approx(83.82, abs=0.01)
    good("mirror", "add", tmp_path / "m", GAIA, "--from", faulty.url, "--region", "Orion Nebula Cluster, 20")
    named = Mirror.read(tmp_path / "m").tables[GAIA].wanted
    good("mirror", "add", tmp_path / "n", GAIA, "--from", faulty.url, "--region", "CIRCLE(83.819, -5.390, 20)")
    assert Mirror.read(tmp_path / "n").tables[GAIA].wanted == named


def test_mistakes_leave_no_mirror_behind(faulty, tmp_path, bad):
    for words, said in (
        ((MATCH, "--from", "vizer"), "there is vizier"),
        ((GAIA, "--from", faulty.url, "--region", "CIRCLE(83.8, -5.4"), "goes wrong at column 18"),
        (("gaiadr3.gaia_sorce", "--from", faulty.url), "there is gaiadr3.gaia_source"),
        ((GAIA, "--from", faulty.url, "--columns", "paralax"), "did you mean parallax"),
    ):
        assert said in bad("mirror", "add", tmp_path / "m", *words)
        assert not (tmp_path / "m").exists()
    assert "does not exist" in bad("mirror", "resume", tmp_path / "m")
    (tmp_path / "thesis").mkdir()
    for words in (
        ("add", MATCH, "--from", faulty.url),
        ("repair",),
        ("compact",),
        ("resume",),
        ("rules",),
        ("verify",),
    ):
        assert "is no mirror" in bad("mirror", words[0], tmp_path / "thesis", *words[1:])
    assert list((tmp_path / "thesis").iterdir()) == []


def test_a_mirror_that_cannot_be_written_to_is_told(mirror):
    if os.geteuid() == 0:
        # Root may write anywhere, so a folder takes the place of the lock's file.
        (mirror / ".lock").unlink()
        (mirror / ".lock").mkdir()
    else:
        mirror.chmod(0o555)
    with pytest.raises(MirrorError, match="cannot be written to"), writing(mirror):
        pass
