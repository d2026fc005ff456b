"""Whatever a service does wrong, in the end the rows are the same, or there is an error and no row is wrong."""

from math import inf

import pyarrow as pa
import pytest
from servers.faults import always, describe, drop, retype
from servers.faulty import Fault

from sedsql import connect
from sedsql.errors import Error
from sedsql.mirror.add import Download, disk
from sedsql.mirror.add.download import PARALLEL
from sedsql.mirror.database import open_mirror
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.verify import verify
from sedsql.mirror.writer import TableWriter
from sedsql.tap.errors import Changed, Damaged, Refused, TapError, Unavailable
from sedsql.tap.service import Service

MATCH, ALLWISE = "gaiadr3.allwise_best_neighbour", "gaiadr1.allwise_original_valid"
ROWS = r"QUERY=SELECT source_id|SELECT source_id"
COUNTS = r"SELECT COUNT"


def service(faulty, **how):
    return Service(faulty.url, **{"attempts": 4, "delay": 0.01, "poll": 0.02, "timeout": 5.0, **how})


def add(mirror, client, table=MATCH, parallel=4, **how):
    with Download.to(mirror, parallel=parallel) as download:
        return download.table(table, client, **how)


def rows_of(mirror, table=MATCH):
    with open_mirror(mirror) as con:
        return con.sql(f"SELECT * FROM {table} ORDER BY ALL").to_arrow_table()


def assert_whole(mirror, faulty, table=MATCH):
    got, expected = rows_of(mirror, table), rows_of(faulty.mirror, table)
    assert got.num_rows > 1000
    assert got.equals(expected)
    assert list(verify(Mirror.read(mirror), lambda *_: None)) == []


@pytest.fixture
def faulty(faulty_server, small_mirror):
    server = faulty_server(small_mirror)
    server.mirror = small_mirror
    server.limit = 700
    return server


PASSING = {
    "busy": Fault("status", 503, on=ROWS, times=2, retry_after=0),
    "broken": Fault("status", 500, on=ROWS, times=2),
    "busy counting": Fault("status", 503, on=COUNTS, times=2),
    "cut": Fault("cut", 0.6, on=ROWS, times=2, after=1),
    "cut in chunks": Fault("cut", 0.9, on=ROWS, times=2, chunked=True),
    "truncated": Fault("truncate", 0.7, on=ROWS, times=2),
    "truncated at its end": Fault("truncate", 0.999, on=ROWS, times=2),
    "no XML": Fault("garbage", "xml", on=ROWS, times=2),
    "no base64": Fault("garbage", "base64", on=ROWS, times=2),
    "a page": Fault("html", on=ROWS, times=2),
    "an error after rows": Fault("late_error", 50, on=ROWS, times=2),
    "rows missing, and not a word": Fault("silent_limit", 50, on=ROWS, times=2, after=1),
    "an overflow that passes": Fault("overflow", 300, on=ROWS, times=2, after=1),
    "no synchronous queries": always(Fault("status", 504, on=f"/sync .*({ROWS})")),
    "slow": Fault("error_votable", "query timed out", on=f"/sync .*({ROWS})", times=1),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_leaves_no_trace(faulty, tmp_path, fault):
    faulty.faults.append(fault)
    came = add(tmp_path / "m", service(faulty))
    assert came == rows_of(faulty.mirror).num_rows
    assert fault.times < 2 or any(request.path == "/tap/async" for request in faulty.requests)
    assert_whole(tmp_path / "m", faulty)
    assert faulty.most_at_once <= PARALLEL


STAYING = {
    "down": (Fault("status", 503, on=ROWS, after=2, times=inf), Unavailable, "4 times.*503"),
    "always short": (Fault("silent_limit", 50, on=ROWS, after=2, times=inf), Damaged, "counts .* but gave 50, 3 times"),
    "always cut": (Fault("cut", 0.5, on=ROWS, after=2, times=inf), Unavailable, "4 times"),
    "refused": (Fault("status", 403, on=ROWS, after=2, times=inf), Refused, "SEDSQL_TAP_USER"),
    "an error": (
        Fault("error_votable", "Field query: no such column", on=ROWS, after=2, times=inf, status=400),
        Refused,
        "no such column",
    ),
    "a column gone": (Fault("change", drop("xm_flag"), on=ROWS, after=2, times=inf), Changed, "without xm_flag"),
    "a column renamed": (
        Fault("change", describe("xm_flag", name="flag"), on=ROWS, after=2, times=inf),
        Changed,
        "without xm_flag.*with flag",
    ),
    "another type": (
        Fault("change", retype("angular_distance", pa.float64()), on=ROWS, after=2, times=inf),
        Changed,
        "DOUBLE",
    ),
}


@pytest.mark.parametrize(("fault", "kind", "words"), STAYING.values(), ids=STAYING)
def test_what_stays_is_told_and_can_be_gone_on_from(faulty, tmp_path, fault, kind, words):
    faulty.faults.append(fault)
    with pytest.raises(kind, match=words):
        add(tmp_path / "m", service(faulty), parallel=1)
    expected = rows_of(faulty.mirror)
    part = rows_of(tmp_path / "m")
    assert 0 < part.num_rows < expected.num_rows
    assert set(part["source_id"].to_pylist()) <= set(expected["source_id"].to_pylist())
    (problem,) = verify(Mirror.read(tmp_path / "m"), lambda *_: None)
    assert "is not fetched yet" in problem.what

    faulty.faults.clear()
    asked = len(faulty.queries)
    with Download.to(tmp_path / "m") as download:
        assert download.resume(lambda url: service(faulty)) == expected.num_rows - part.num_rows
    assert len(faulty.queries) > asked
    assert_whole(tmp_path / "m", faulty)


def test_positions_are_cut_finer_where_the_service_gives_few_rows(faulty, tmp_path):
    faulty.limit = 150
    with Download.to(tmp_path / "m") as download:
        download.table(ALLWISE, service(faulty), region="BOX(90, 20, 40, 40)")
        pieces = download.mirror.tables[ALLWISE].pieces.values()
    assert max(piece.remote_rows for piece in pieces) <= 150
    assert len(pieces) > 3
    where = "ra BETWEEN 70 AND 110 AND dec BETWEEN 0 AND 40"
    with open_mirror(tmp_path / "m") as got, open_mirror(faulty.mirror) as all_:
        query = f"SELECT * FROM {ALLWISE} WHERE {where} ORDER BY ALL"
        assert got.execute(query).fetchall() == all_.execute(query).fetchall()


def test_what_grows_while_it_is_fetched_is_counted_again(faulty, tmp_path):
    """A piece that was counted before rows were added to it is not taken for a short or a long one."""
    mirror = tmp_path / "m"
    with Download.to(mirror) as download:
        client = service(faulty)
        count = client.count

        first = [1]
        client.count = lambda adql: count(adql) - (first.pop() if first else 0)
        download.table(MATCH, client)
    assert_whole(mirror, faulty)


def test_another_column_set_or_condition_is_not_mixed_in(faulty, tmp_path):
    mirror = tmp_path / "m"
    with Download.to(mirror) as download:
        download.table(MATCH, service(faulty), region="CIRCLE(83, -5, 20)", columns=["original_ext_source_id"])
    with Download.to(mirror) as download:
        # Without columns: those that are there.
        download.table(MATCH, service(faulty), region="CIRCLE(83, -5, 30)")
    for how, words in (
        ({"columns": ["xm_flag"]}, "the columns: original_ext_source_id, source_id"),
        ({"where": "xm_flag = 0"}, "the condition: none"),
    ):
        with pytest.raises(MirrorError, match=f"is in this mirror with other settings, {words}"):
            add(mirror, service(faulty), **how)
    client = service(faulty)
    client.url = "http://127.0.0.1:1/tap"
    with pytest.raises(MirrorError, match=r"in this mirror comes from .*; add to it from there"):
        add(mirror, client)


def test_names_that_are_not_there_are_told_the_nearest(faulty, tmp_path):
    with pytest.raises(Refused, match=r"has no table gaiadr3.gaia_sorce; there is gaiadr3.gaia_source"):
        add(tmp_path / "m", service(faulty), "gaiadr3.gaia_sorce")
    with pytest.raises(Error, match=r"has no column 'paralax'; did you mean parallax"):
        add(tmp_path / "m", service(faulty), "gaiadr3.gaia_source", columns=["paralax"])


def test_a_table_that_no_disk_can_hold_is_refused_before_it_starts(faulty, tmp_path, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(MirrorError, match=r"need about .* GB, and .* has 0.0 GB free"):
        add(tmp_path / "m", service(faulty))
    assert not any(query.startswith("SELECT source_id") and "BETWEEN" in query for query in faulty.queries)


def test_a_disk_that_fills_up_loses_nothing(faulty, tmp_path, monkeypatch):
    mirror = tmp_path / "m"
    write, room = TableWriter.write, [3]

    def full(self, rows):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(28, "No space left on device")
        return write(self, rows)

    monkeypatch.setattr(TableWriter, "write", full)
    with pytest.raises(MirrorError, match=r"is full; make room, and go on with `sedsql mirror resume"):
        add(mirror, service(faulty))
    monkeypatch.undo()
    with Download.to(mirror) as download:
        download.resume(lambda url: service(faulty))
    assert_whole(mirror, faulty)


def test_an_unreachable_service_is_one_sentence(tmp_path):
    with pytest.raises(TapError, match=r"asked 2 times.*no connection"):
        add(tmp_path / "m", Service("http://127.0.0.1:1/tap", attempts=2, delay=0.01))


def test_names_of_vizier_s_kind_are_kept(faulty, tmp_path):
    name = 'viz."J/A+A/650/A1/table2"'
    faulty.archive.alter("CREATE SCHEMA viz")
    faulty.archive.alter(
        f'CREATE TABLE {name} AS SELECT source_id AS "Source", ra, dec, bp_rp AS "BP-RP", parallax AS "Plx" '
        "FROM gaiadr3.gaia_source"
    )
    mirror = tmp_path / "m"
    add(mirror, service(faulty), "viz.J/A+A/650/A1/table2", region="CIRCLE(83.8, -5.4, 25)")
    add(mirror, service(faulty), name, region="CIRCLE(83.8, -5.4, 30)")
    query = f'SELECT "Source", "BP-RP", plx FROM {name} WHERE DISTANCE(ra, dec, 83.8, -5.4) < 30 ORDER BY "Source"'
    with connect(mirror) as con, open_mirror(faulty.mirror) as expected:
        rows = con.execute(query).fetchall()
        assert len(rows) > 30
        ids = ", ".join(str(source_id) for source_id, *_ in rows)
        query = "SELECT source_id, bp_rp, parallax FROM gaiadr3.gaia_source"
        assert rows == expected.execute(f"{query} WHERE source_id IN ({ids}) ORDER BY 1").fetchall()
    assert list(Mirror.read(mirror).tables) == ["viz.j/a+a/650/a1/table2"]
    assert list(verify(Mirror.read(mirror), lambda *_: None)) == []
