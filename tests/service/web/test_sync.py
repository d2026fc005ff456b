"""Queries are answered at once, in any format; what is wrong is told as DALI has it."""

import io
import socket
import time
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pyarrow as pa
import pytest
import requests
from astropy.io.votable import parse_single_table
from astropy.table import Table
from serving import serving

import sedsql
from sedsql.service.workers.settings import UploadLimits

COUNT = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source"
FIVE = "SELECT TOP 5 source_id, ra FROM gaiadr3.gaia_source ORDER BY source_id"
INFO = "{http://www.ivoa.net/xml/VOTable/v1.3}INFO"


def ask(url, method="GET", **parameters):
    given = {"LANG": "ADQL", "RESPONSEFORMAT": "csv", **parameters}
    given = {name: value for name, value in given.items() if value is not None}
    if method == "GET":
        return requests.get(f"{url}/sync", given, timeout=60)
    return requests.post(f"{url}/sync", given, timeout=60)


def error_of(answer, status=400):
    """The sentence of an error document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/x-votable+xml"
    (info,) = ElementTree.fromstring(answer.content).iter(INFO)
    assert (info.get("name"), info.get("value")) == ("QUERY_STATUS", "ERROR")
    return info.text


@pytest.fixture(scope="module")
def expected(sky):
    with sedsql.connect(sky) as con:
        return con.execute(FIVE).fetchall()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_query_is_answered(url, expected, method):
    answer = ask(url, method, QUERY=FIVE)
    assert answer.headers["Content-Type"] == "text/csv;header=present"
    rows = [line.split(",") for line in answer.text.splitlines()]
    assert rows[0] == ["source_id", "ra"]
    assert [(int(one), float(other)) for one, other in rows[1:]] == expected


def test_parameters_have_any_case_and_may_be_in_url_and_body(url):
    answer = requests.post(f"{url}/sync?lang=adql-2.1", {"query": COUNT, "responseFormat": "CSV"}, timeout=60)
    assert answer.text.split() == ["n", "2000"]


def test_what_is_not_known_is_ignored_and_what_is_repeated_alike_too(url):
    query = [("QUERY", COUNT), ("QUERY", COUNT), ("FORMAT", "csv"), ("VERSION", "1.1"), ("REQUEST", "doQuery")]
    answer = requests.get(f"{url}/sync", [*query, ("COLOUR", "red"), ("RUNID", "a run")], timeout=60)
    assert answer.text.split() == ["n", "2000"]


def test_a_multipart_body_has_parameters_too(url):
    parts = {"QUERY": (None, COUNT), "LANG": (None, "ADQL"), "FORMAT": (None, "csv")}
    assert requests.post(f"{url}/sync", files=parts, timeout=60).text.split() == ["n", "2000"]


def test_responseformat_wins_over_format(url):
    assert ask(url, QUERY=COUNT, FORMAT="fits").headers["Content-Type"].startswith("text/csv")


def test_maxrec_is_kept(url):
    assert len(ask(url, QUERY=FIVE, MAXREC="3").text.splitlines()) == 4
    assert len(ask(url, QUERY=FIVE, MAXREC="99").text.splitlines()) == 6
    assert ask(url, QUERY=FIVE, MAXREC="0").text.splitlines() == ["source_id,ra"]


def test_arrow_has_the_units_of_the_mirror(url, expected):
    answer = ask(url, QUERY=FIVE, RESPONSEFORMAT="arrow")
    table = pa.ipc.open_stream(answer.content).read_all()
    assert list(zip(*table.to_pydict().values(), strict=True)) == expected
    assert table.schema.field("ra").metadata[b"unit"] == b"deg"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"QUERY": None}, "The parameter QUERY is missing"),
        ({"QUERY": "  "}, "The parameter QUERY is missing"),
        ({"LANG": "PQL"}, "takes queries in ADQL, ADQL-2.0, ADQL-2.1; LANG is 'PQL'"),
        ({"MAXREC": "-1"}, "MAXREC is a whole number of rows, 0 or more, not '-1'"),
        ({"MAXREC": "ten"}, "not 'ten'"),
        ({"MAXREC": "1e3"}, "not '1e3'"),
        ({"RESPONSEFORMAT": "excel"}, "No format is called 'excel'"),
        ({"REQUEST": "doDelete"}, "REQUEST is doQuery, not 'doDelete'"),
        ({"VERSION": "2.0"}, "speaks TAP 1.0 and 1.1; VERSION is '2.0'"),
        ({"UPLOAD": "mine"}, "UPLOAD takes NAME,param:PART or NAME,URL, not 'mine'"),
        ({"UPLOAD": "mine,param:t"}, "mine is the part 't' of the body, which is not there"),
        ({"UPLOAD": "no name,param:t"}, "'no name' cannot be the name of an uploaded table"),
        ({"UPLOAD": "a,http://localhost/a.vot"}, "fetches no tables from elsewhere"),
        (
            {"QUERY": "SELECT phot_g_mean_mg FROM gaiadr3.gaia_source"},
            "(line 1, column 8): did you mean phot_g_mean_mag",
        ),
        ({"QUERY": "DROP TABLE gaiadr3.gaia_source"}, "starts no query of ADQL (line 1, column 1)"),
        ({"QUERY": "SELECT 'a\0' FROM gaiadr3.gaia_source"}, "a character that is no text (NUL)"),
    ],
)
def test_each_mistake_is_one_sentence(url, parameters, words):
    message = error_of(ask(url, **{"QUERY": COUNT, **parameters}))
    assert words in message
    assert "\n" not in message.strip()


def test_two_values_of_one_parameter_are_an_error(url):
    answer = requests.get(f"{url}/sync", [("QUERY", COUNT), ("QUERY", FIVE)], timeout=60)
    assert "QUERY is given twice, with different values" in error_of(answer)


def test_bodies_that_cannot_be_read(url):
    def post(body, kind):
        return requests.post(f"{url}/sync", body, headers={"Content-Type": kind}, timeout=60)

    assert "is not read; send application/x-www-form-urlencoded" in error_of(post(b"{}", "application/json"), 415)
    assert "no boundary" in error_of(post(b"x", "multipart/form-data"))
    assert "before its last boundary" in error_of(post(b"--b\r\n", "multipart/form-data; boundary=b"))
    assert "is not the multipart/form-data" in error_of(post(b"QUERY=1", "multipart/form-data; boundary=b"))
    assert "not urlencoded UTF-8" in error_of(post(b"QUERY=%ff", "application/x-www-form-urlencoded"))
    assert "more than 1,000 parameters" in error_of(post(b"&a=1" * 1001, "application/x-www-form-urlencoded"), 413)


def test_errors_are_votables_whatever_the_format(url):
    error_of(ask(url, QUERY="SELECT", RESPONSEFORMAT="csv"))


def test_head_gives_the_type_alone(url):
    answer = requests.head(f"{url}/sync", params={"LANG": "ADQL", "FORMAT": "csv", "QUERY": COUNT}, timeout=60)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == "text/csv;header=present"


def upload(url, table, query, **parameters):
    text = io.BytesIO()
    table.write(text, format="votable")
    data = {"LANG": "ADQL", "QUERY": query, "FORMAT": "csv", "UPLOAD": "mine,param:t", **parameters}
    return requests.post(f"{url}/sync", data, files={"t": ("t.vot", text.getvalue())}, timeout=60)


def test_a_table_is_uploaded_and_gone_after_the_query(url, expected):
    ids = Table({"id": [row[0] for row in expected]})
    query = "SELECT m.id FROM TAP_UPLOAD.mine AS m JOIN gaiadr3.gaia_source AS g ON g.source_id = m.id ORDER BY m.id"
    assert [int(line) for line in upload(url, ids, query).text.split()[1:]] == [row[0] for row in expected]
    assert "no table 'TAP_UPLOAD.mine'" in error_of(ask(url, QUERY="SELECT id FROM TAP_UPLOAD.mine"))


def test_a_table_may_come_as_a_part_without_a_file_name(url):
    text = io.BytesIO()
    Table({"a": [1, 2, 3]}).write(text, format="votable")
    parts = {"QUERY": "SELECT SUM(a) AS s FROM TAP_UPLOAD.x", "LANG": "ADQL", "FORMAT": "csv", "UPLOAD": "x,param:t"}
    files = {name: (None, value) for name, value in {**parts, "t": text.getvalue()}.items()}
    assert requests.post(f"{url}/sync", files=files, timeout=60).text.split() == ["s", "6"]


def test_no_file_of_an_upload_is_left(url, expected, tmp_path_factory):
    upload(url, Table({"id": [1]}), "SELECT id FROM TAP_UPLOAD.mine")
    upload(url, Table({"id": [1]}), "SELECT nonsense FROM TAP_UPLOAD.mine")
    for parts in ([("x", ("a", b"1")), ("x", (None, "2"))], [("x", ("a", b"1")), ("x", ("b", b"2"))]):
        assert requests.post(f"{url}/sync", files=parts, timeout=60).status_code == 400
    assert not list(tmp_path_factory.getbasetemp().glob("service*/spool/incoming/*"))


def test_a_client_that_goes_stops_its_query(url):
    """Then its worker is free for others long before the query would have ended."""
    long = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b, gaiadr3.gaia_source AS c"
    host, port = urlsplit(url).hostname, urlsplit(url).port
    for _ in range(3):
        with socket.create_connection((host, port)) as con:
            path = requests.Request("GET", f"{url}/sync", params={"QUERY": f"{long} WHERE a.ra < b.ra + c.dec"})
            target = urlsplit(path.prepare().url)
            con.sendall(f"GET {target.path}?{target.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            time.sleep(0.3)
    began = time.monotonic()
    assert ask(url, QUERY=COUNT).text.split() == ["n", "2000"]
    assert time.monotonic() - began < 20


def test_a_query_of_100_kilobytes_is_taken_by_get(url):
    ids = ", ".join(map(str, range(10**9, 10**9 + 9_000)))
    answer = ask(url, QUERY=f"{COUNT} WHERE source_id IN ({ids})")
    assert answer.text.split() == ["n", "0"]


def test_tables_that_are_too_large_are_told_the_limit(sky, tmp_path):
    table = Table({"a": range(40_000)})
    query = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine"
    with serving(sky, tmp_path, worker={"uploads": UploadLimits(bytes=1 << 18)}) as url:
        assert upload(url, table[:1000], query).text.split() == ["n", "1000"]
        message = error_of(upload(url, table[:10_000], query), 413)
        assert "The table mine has " in message
        assert "uploads may have 0.25 MB" in message
        assert "The request has more than 1.5 MB, the limit here" in error_of(upload(url, table, query), 413)
        assert not list((tmp_path / "spool" / "incoming").iterdir())


def test_votable_is_the_default(url, expected):
    answer = ask(url, QUERY=FIVE, RESPONSEFORMAT=None)
    assert answer.headers["Content-Type"] == "application/x-votable+xml;serialization=BINARY2"
    table = parse_single_table(io.BytesIO(answer.content)).to_table()
    assert [tuple(row) for row in table] == expected
    assert str(table["ra"].unit) == "deg"
