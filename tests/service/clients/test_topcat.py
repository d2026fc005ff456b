"""TOPCAT's TAP window, on a display that nobody sees, asks a service; `PICTURE=FILE` keeps what it looked like."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

import sedsql

NEEDED = ("topcat", "Xvfb", "jython")
JARS = ("/usr/share/java/jython.jar", "/usr/share/java/starlink-topcat.jar")
pytestmark = [
    pytest.mark.tap_clients,
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason="needs TOPCAT, which `make tap-clients` installs"),
]

QUERY = """SELECT source_id, ra, dec, class, class_probability
FROM sed.classified
WHERE class = 'yso' AND class_probability > 0.9
ORDER BY source_id"""
MINE = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.t1 AS m JOIN gaiadr3.gaia_source AS g ON m.source_id = g.source_id"


@contextmanager
def display():
    """A display without a screen; gives its name."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as told:
            yield f":{told.readline().strip()}"
    finally:
        server.terminate()
        server.wait(10)


def test_tables_queries_and_uploads(url, sky, tmp_path):
    picture = Path(os.environ.get("PICTURE", tmp_path / "topcat.png")).absolute()
    script = [str(Path(__file__).with_name("in_topcat.py")), url, str(picture), QUERY, MINE]
    java = ["java", "-cp", ":".join(JARS), f"-Duser.home={tmp_path}"]
    with display() as name:
        ran = subprocess.run(
            [*java, "-Dpython.cachedir.skip=true", "org.python.util.jython", *script],
            capture_output=True,
            text=True,
            timeout=150,
            cwd=tmp_path,
            env={**os.environ, "DISPLAY": name, "HOME": str(tmp_path)},
        )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert {"gaiadr3.gaia_source", "sed.classified", "tap_schema.tables"} <= set(told["tree"])
    whole, joined = told["answers"]
    with sedsql.connect(sky) as con:
        expected = con.execute(QUERY).fetchall()
    assert len(expected) >= 10
    assert not whole["mistake"]
    assert whole["columns"] == ["source_id", "ra", "dec", "class", "class_probability"]
    assert whole["units"] == [None, "deg", "deg", None, None]
    assert [(int(row[0]), row[3]) for row in whole["rows"]] == [(row[0], row[3]) for row in expected]
    assert [float(row[1]) for row in whole["rows"]] == pytest.approx([row[1] for row in expected])
    assert joined["rows"] == [[str(len(expected))]]
    assert picture.read_bytes().startswith(b"\x89PNG")
