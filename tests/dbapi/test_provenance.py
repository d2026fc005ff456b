"""An answer with classes says, in every form, which models gave them, for which query, and when."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse

from sedsql import __version__, connect
from sedsql.files.resources import folder

QUERY = """SELECT TOP 5 s.source_id, sed_class(s) AS class, sed_proba(s, 'agn', 'lite-2') AS p
FROM sed.photometry AS s -- of Größe"""


@pytest.fixture(scope="module")
def con(sky_of):
    with connect(sky_of(20_000)) as con:
        yield con


def digests(*models):
    return ", ".join(
        hashlib.sha256((folder("models") / name / "model.onnx").read_bytes()).hexdigest() for name in models
    )


def test_every_form_of_the_answer_tells_it(con):
    cursor = con.execute(QUERY)
    told = json.loads(cursor.arrow().schema.metadata[b"sedsql"])
    assert told["model"] == "sky-1, lite-2"
    assert told["model_sha256"] == digests("sky-1", "lite-2")
    assert told["query"] == QUERY
    assert told["sedsql"] == __version__
    assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(told["time"]) < timedelta(minutes=5)

    def but_time(about):
        return {key: value for key, value in about.items() if key != "time"}

    assert but_time(cursor.table().meta["sedsql"]) == but_time(told)
    assert but_time(cursor.df().attrs["sedsql"]) == but_time(told)
    assert but_time(json.loads(cursor.batches().schema.metadata[b"sedsql"])) == but_time(told)
    infos = {info.name: info.value for info in cursor.votable().infos}
    assert infos["sedsql_model"] == "sky-1, lite-2"
    assert infos["sedsql_query"] == QUERY


@pytest.mark.parametrize(
    ("query", "models"),
    [
        ("SELECT TOP 3 class FROM sed.classified", "sky-1"),
        ("SELECT TOP 3 sed_class(s, 'lite-2') AS c FROM sed.photometry AS s", "lite-2"),
        ("SELECT COUNT(*) AS n FROM (SELECT * FROM sed.classified) AS q WHERE q.outlier > 0.5", "sky-1"),
        ("SELECT TOP 3 sed_class(10.1, 10.6, 9.4, 8.8, 8.3, 8.1, 8, 8, 7.9, 7.5) AS c FROM sed.photometry", "shape-2"),
        ("SELECT TOP 3 ra, sed_stage(s) AS stage FROM sed.photometry AS s", None),
        ("SELECT TOP 3 ra FROM sed.classified", None),
    ],
)
def test_only_the_models_that_are_asked_are_named(con, query, models):
    assert con.execute(query).table().meta.get("sedsql", {}).get("model") == models


def test_files_that_the_command_writes_tell_it(sedsql, sky_of, tmp_path):
    for name in ("answer.vot", "answer.fits", "answer.parquet"):
        assert sedsql("query", QUERY, "-m", sky_of(20_000), "-o", tmp_path / name).code == 0
    infos = {info.name: info.value for info in parse(tmp_path / "answer.vot").infos}
    assert infos["sedsql_model_sha256"] == digests("sky-1", "lite-2")
    header = fits.getheader(tmp_path / "answer.fits", 1)
    assert header["SEDMODEL"] == "sky-1, lite-2"
    assert header["SEDQUERY"] == " ".join(QUERY.split()).replace("ö", "\\xf6").replace("ß", "\\xdf")
    told = json.loads(pq.read_schema(tmp_path / "answer.parquet").metadata[b"sedsql"])
    assert told["query"] == QUERY


def test_pyvo_results_tell_it_and_are_written_without_the_writer_that_crashes(sky_of, tmp_path):
    from sedsql import TAPMirror

    results = TAPMirror(sky_of(20_000)).search(QUERY)
    results.votable.to_xml(str(tmp_path / "results.vot"))
    assert b"<BINARY2" in (tmp_path / "results.vot").read_bytes()
    infos = {info.name: info.value for info in parse(tmp_path / "results.vot").infos}
    assert infos["sedsql_query"] == " ".join(QUERY.split())  # lines of an attribute of XML are one line
