"""A hostile service gets a sentence: in little memory and time, with nothing stored, and no secret sent elsewhere."""

import re
from math import inf

import pytest
from limited import MEMORY, SECONDS, add
from servers import hostile
from servers.faulty import Fault
from servers.hostile import CAPABILITIES, TABLES, VOTABLE, XML, body, bomb, deep, for_ever, raw, redirect, table

from sedsql.mirror.mirror import Mirror

pytestmark = pytest.mark.thorough

MATCH = "gaiadr3.allwise_best_neighbour"
COUNT, ROWS, SCHEMA = "POST /tap/sync SELECT COUNT", "POST /tap/sync SELECT (source_id|xm_flag)", "TAP_SCHEMA.tables"
CAPABLE = "GET /tap/capabilities"
QUICK = {"attempts": 2, "delay": 0.01, "poll": 0.01, "timeout": 2.0}
"""A way of asking for what is asked again."""


def on(place, behaviour):
    return Fault("hostile", behaviour, on=place, times=inf)


def refuse(*places):
    return [Fault("status", 400, on=place, times=inf, body="no such thing") for place in places]


def by_jobs(*more):
    """All that is counted or fetched goes by jobs, which are hostile."""
    return [*more, too_slow(COUNT)]


STREAM = b"<TABLE><FIELD name='n' datatype='long'/><DATA><BINARY><STREAM encoding='base64'>"
JOB = XML + b'<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0"><uws:phase>'
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
NO_JOBS = on("POST /tap/async", body(b"there are none", status=404))


def too_slow(place):
    return Fault("status", 504, on=place, times=inf)


# With the limits that everyone has: as the command itself, and what it must say.
BY_DEFAULT = {
    "elements without end": (on(CAPABLE, body(CAPABILITIES, for_ever(b"<x/>"))), "more than 100,000 elements"),
    "text without end": (on(CAPABLE, body(CAPABILITIES, for_ever(b"x"))), "of text"),
    "a comment without end": (on(CAPABLE, body(CAPABILITIES, b"<!--", for_ever(b"x"))), "a tag or a comment of more"),
    "an attribute without end": (on(CAPABLE, body(CAPABILITIES, b"<a b='", for_ever(b"x"))), "a tag or a comment"),
    "a name without end": (on(CAPABLE, body(CAPABILITIES, b"<a", for_ever(b"a"))), "a tag or a comment of more"),
    "blanks without end": (on(CAPABLE, body(CAPABILITIES, for_ever(b"<!-- -->"))), "a document of more than 17 MB"),
    "deep XML": (on(CAPABLE, body(CAPABILITIES, deep(b"<a>", b"</a>"))), "50 elements in each other"),
    "a billion laughs": (on(CAPABLE, body(hostile.laughs(b"capabilities"))), "declares entities"),
    "a bomb": (on(CAPABLE, body(CAPABILITIES, bomb(b" "), packed=1)), "of text"),
    "a bomb of comments": (on(CAPABLE, body(CAPABILITIES, b"<!--", bomb(), packed=1)), "a tag or a comment"),
    "a bomb before any XML": (on(CAPABLE, body(bomb(b" "), packed=1)), "a document of more than 17 MB"),
    "an error without end": (on("POST /tap/sync", body(for_ever(b"no"), status=400)), "refuses the query: nono"),
    "an error that is a bomb": (on("POST /tap/sync", body(bomb(b"n"), status=400, packed=1)), "refuses the query: nnn"),
    "groups in groups": (
        on("POST /tap/sync", body(VOTABLE, b"<TABLE>", deep(b"<GROUP>", b"</GROUP>"))), "elements in each other"
    ),
    "groups without end": (on("POST /tap/sync", body(VOTABLE, b"<TABLE>", for_ever(b"<GROUP/>"))), "besides its rows"),
    "a description without end": (on("POST /tap/sync", body(VOTABLE, b"<DESCRIPTION>", bomb(), packed=1)), "a text of"),
    "laughs in an answer": (on("POST /tap/sync", body(hostile.laughs(b"VOTABLE"))), "declares entities"),
    "columns without end": (
        on("POST /tap/sync", body(VOTABLE, b"<TABLE>", for_ever(b"<FIELD name='a' datatype='int'/>"))), "10,000 columns"
    ),
    "tables without end": (
        [*refuse("POST /tap/sync"), on("/tap/tables", body(TABLES, for_ever(b"<table><name>a</name></table>")))],
        "lists more than 300,000 tables",
    ),
    "rows of the schema without end": (
        on(SCHEMA, table('<FIELD name="table_name" datatype="char" arraysize="*"/>', for_ever(b"<TR><TD>a</TD></TR>"))),
        "sends more than",
    ),
    "a cell of gigabytes": (on(COUNT, table(
        '<FIELD name="n" datatype="char" arraysize="*"/>', b"<TR><TD>", bomb())), "a row of more than 8 MB"),
    "a length of gigabytes": (on(COUNT, table(
        '<FIELD name="n" datatype="char" arraysize="*"/>', b'<STREAM encoding="base64">', b"////", for_ever(b"AAAA"),
        kind=b"BINARY")), "a row of more than 8 MB"),
    "arrays of gigabytes": (
        on(COUNT, table('<FIELD name="n" datatype="double" arraysize="9999999999"/>', for_ever(b"<TR><TD/></TR>"))),
        "announces rows of",
    ),
    "empty texts in arrays": (
        on(COUNT, table('<FIELD name="n" datatype="char" arraysize="1x2000000"/>', for_ever(b"<TR><TD>a</TD></TR>"))),
        "arrays of more than",
    ),
    "a table's rows without end, in a count": (on(COUNT, body(VOTABLE, STREAM, for_ever(b"AAAA"))), "sends more than"),
    "rows of other columns": (on(ROWS, hostile.other_columns()), "without original_ext_source_id.*with mine"),
    "rows without end": (on(ROWS, hostile.endless_rows("binary2")), "was asked for [0-9,]+ rows at most, and sends"),
    "rows in text without end": (on(ROWS, hostile.endless_rows("tabledata")), "was asked for [0-9,]+ rows at most"),
    "texts of megabytes": (on(ROWS, hostile.long_texts(20_000_000)), "a row of more than 8 MB"),
    "a count of 2^62": (on(COUNT, hostile.number(lambda query: 2**62)), "4,611,686,018,427,387,904 rows of"),
    "a negative count": (on(COUNT, hostile.number(lambda query: -5)), "answered -5 to a count"),
    "a redirect in circles": (on("", redirect("/tap/capabilities")), "redirects more than 10 times"),
    "redirects without end": (on("", redirect("/tap/{n}/capabilities", 307, for_ever(b"x"))), "redirects more than"),
    "a redirect to no URL": (on(CAPABLE, redirect("http://[::1")), "which is not a URL"),
    "a redirect to a file": (on(CAPABLE, redirect("file:///etc/passwd")), "cannot be asked"),
    "continue without end": (on(CAPABLE, raw(for_ever(b"HTTP/1.1 100 Continue\r\n\r\n"))), "headers without an end"),
    "trailers without end": (
        on(CAPABLE, raw(CHUNKED + b"0\r\n", for_ever(b"a: b\r\n"))), "headers without an end"
    ),
    "another packing": (
        on(CAPABLE, body(b"xx", headers={"Content-Encoding": "br"})), "packed as 'br', which was not asked for"
    ),
    "a bomb in a bomb": (on(CAPABLE, body(CAPABILITIES, bomb(size=1 << 30), packed=2)), "packed as 'gzip, gzip'"),
}  # fmt: skip

# With small limits of time and number, or asked quickly.
SMALL = {
    "a body drop by drop": (
        [on(CAPABLE, body(CAPABILITIES, for_ever(b" ", 1), pause=0.2))],
        {"slow_seconds": 2.0}, "bytes in [0-9]+ seconds",
    ),
    "headers drop by drop": ([on(CAPABLE, raw(OK, for_ever(b"a", 1), pause=0.2))], {"slow_seconds": 2.0}, "seconds"),
    "headers without end": ([on(CAPABLE, raw(OK, for_ever(b"a: b\r\n")))], {}, "does not speak HTTP: got more"),
    "a header without end": ([on(CAPABLE, raw(OK + b"a: ", for_ever(b"b")))], {}, "does not speak HTTP"),
    "a trailer without end": (
        [on(CAPABLE, raw(CHUNKED + b"0\r\na", for_ever(b"a")))], {}, "the answer was cut",
    ),
    "a document that takes too long": (
        [on(CAPABLE, body(CAPABILITIES, for_ever(b"<x/>", 100), pause=0.001))],
        {"seconds": 3.0}, "had not come in full after 3 seconds",
    ),
    "a count drop by drop": (
        [on(COUNT, body(VOTABLE, for_ever(b" ", 1), pause=0.2)), NO_JOBS],
        {"slow_seconds": 2.0}, "gave none of 25 pieces",
    ),
    "counts at random": (
        [on(COUNT, hostile.random_counts(10_000_000))], {"pieces": 10**9}, "its counts cannot be true"
    ),
    "small counts at random": ([on(COUNT, hostile.random_counts(4_000_000))], {}, "its counts cannot be true"),
    "counts that grow": (
        [on(COUNT, hostile.growing_counts(2**45))], {}, "none of 25 pieces.*counted 35,184,372,088,832 rows",
    ),
    "no count in time": ([too_slow(COUNT), NO_JOBS], {}, "none of 25 pieces"),
    "no rows in time": ([too_slow(ROWS), NO_JOBS], {}, "none of 25 pieces"),
    "an overflow of nothing": ([Fault("overflow", 0, on=ROWS, times=inf)], {}, "called that its limit"),
    "a job that never ends": (
        by_jobs(Fault("phase", "EXECUTING", times=inf)), {"vain": 2}, "still executing"
    ),
    "a job's document without end": (
        by_jobs(on(r"GET /tap/async/\d+ ", body(JOB, b"EXECUTING</uws:phase>", for_ever(b"<uws:job/>")))),
        {}, "more than 100,000 elements",
    ),
    "a phase without end": (
        by_jobs(on(r"GET /tap/async/\d+ ", body(JOB, bomb(b"E"), packed=1))), {}, "of text"
    ),
    "a job's result elsewhere": (
        by_jobs(on(r"GET /tap/async/\d+ ", body(
            JOB, b"COMPLETED</uws:phase><uws:results><uws:result id='result' href='gopher://x/'/></uws:results></uws:job>"
        ))), {}, "cannot be asked",
    ),
    "a job that is a list of jobs": (
        by_jobs(on(r"GET /tap/async/\d+ ", body(XML, b"<jobs>", for_ever(b"<jobref id='1'/>")))), {}, "100,000 elements"
    ),
    "a job's error without end": (
        by_jobs(
            on(r"GET /tap/async/\d+ ", body(JOB, b"ERROR</uws:phase></uws:job>")),
            on(r"GET /tap/async/\d+/error", body(for_ever(b"<x>"))),
        ), {}, "refuses the query: it gives no reason",
    ),
}  # fmt: skip


def assert_refused(ran, mirror, words):
    assert ran.code == 1, ran.err[-2000:]
    assert "Traceback" not in ran.err
    line = ran.err.strip().splitlines()[-1]
    assert line.startswith("Error: ")
    assert len(line) < 3000
    assert words in line or re.search(words, line), line
    assert ran.bytes < MEMORY
    assert ran.seconds < SECONDS
    assert list(mirror.rglob("Npix=*/*.parquet")) == []


@pytest.mark.slow
@pytest.mark.parametrize(("faults", "words"), BY_DEFAULT.values(), ids=BY_DEFAULT)
def test_the_command_refuses(faulty, tmp_path, faults, words):
    faulty.faults += faults if isinstance(faults, list) else [faults]
    assert_refused(add(tmp_path / "m", MATCH, faulty.url), tmp_path / "m", words)
    assert len(faulty.requests) < 60


@pytest.mark.slow
@pytest.mark.parametrize(("faults", "limits", "words"), SMALL.values(), ids=SMALL)
def test_what_takes_time_is_given_up(faulty, tmp_path, faults, limits, words):
    faulty.faults += faults
    how = QUICK | ({"longest": 0.5} if words == "still executing" else {})
    assert_refused(add(tmp_path / "m", MATCH, faulty.url, limits, how), tmp_path / "m", words)
    assert len(faulty.requests) < 1000


@pytest.mark.slow
def test_long_texts_come_in_small_pieces(faulty, tmp_path):
    """They are what the service has, so they are fetched; in no more memory than anything else."""
    faulty.faults.append(on(ROWS, hostile.long_texts(200_000)))
    ran = add(tmp_path / "m", MATCH, faulty.url)
    assert ran.code == 0, ran.err
    assert ran.bytes < MEMORY
    stored = Mirror.read(tmp_path / "m").tables[MATCH]
    assert stored.rows > 1000
    assert max(piece.rows for piece in stored.pieces.values()) < 100
