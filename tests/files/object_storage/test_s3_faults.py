"""A storage that throttles, fails, breaks off or lies gives all rows in the end, or an error of one sentence."""

from datetime import timedelta

import pytest

import sedsql
from sedsql.errors import OperationalError
from sedsql.files.errors import StorageError
from sedsql.files.object_storage import objects, store

pytestmark = pytest.mark.s3

ROWS = "SELECT count(*), sum(hash(source_id, ra, dec, phot_g_mean_mag)) FROM gaiadr3.gaia_source"


@pytest.fixture(scope="module")
def right(joined_sky):
    with sedsql.connect(joined_sky) as con:
        return con.sql(ROWS).fetchone()


def now_and_then(*fault):
    return lambda method, path, number: fault if number % 3 == 0 else None


PASSING = {
    "503 SlowDown": now_and_then("status", 503, "SlowDown"),
    "429": now_and_then("status", 429, "TooManyRequests"),
    "500": now_and_then("status", 500, "InternalError"),
    "502": now_and_then("status", 502, "BadGateway"),
    "reset": now_and_then("reset"),
    "truncated": now_and_then("truncate", 5),
    "nothing comes": now_and_then("truncate", 0),
    "throttled at first": lambda method, path, number: ("status", 503, "SlowDown") if number <= 6 else None,
}


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_waited_for(s3, joined, right, fault):
    with s3.proxy.going_wrong(PASSING[fault]), sedsql.connect(joined) as con:
        assert con.sql(ROWS).fetchone() == right
        assert s3.proxy.faults > 10


LASTING = {
    "503 SlowDown": (
        ("status", 503, "SlowDown"),
        r"the storage answers 503 \(SlowDown\), again and again; try later",
    ),
    "500": (("status", 500, "InternalError"), r"the storage answers 500 \(InternalError\), again and again"),
    "reset": (("reset",), r"gives no answer; check the network, and AWS_ENDPOINT_URL|breaks off again and again"),
    "truncated": (("truncate", 5), r"breaks off again and again; try later"),
    "fewer bytes": (("fewer", 5), r"gives 5 bytes where .* were asked for|breaks off"),
    "403": (("status", 403, "AccessDenied"), r"may not be read with the credentials of the environment"),
    "404": (("status", 404, "NoSuchKey"), r"There is no object s3://sky-bucket/joined/gaiadr3/gaia_source/.*\.parquet"),
}


def of_files(kind):
    return lambda method, path, number: kind if method == "GET" and path.endswith(".parquet") else None


@pytest.mark.parametrize("fault", LASTING)
def test_what_lasts_is_an_error_and_never_fewer_rows(s3, joined, fault, monkeypatch):
    quick = {"max_retries": 2, "retry_timeout": timedelta(seconds=5)}
    monkeypatch.setattr(store, "RETRIES", quick | {"backoff": {"init_backoff": timedelta(milliseconds=10)}})
    kind, sentence = LASTING[fault]
    with sedsql.connect(joined) as con:
        with s3.proxy.going_wrong(of_files(kind)), pytest.raises(StorageError, match=sentence) as told:
            con.sql(ROWS).fetchall()
        assert "\n" not in str(told.value)
        assert isinstance(told.value, OperationalError)
        assert con.sql(ROWS).fetchone()[0] > 0  # the connection is as good as before
        rows = con.execute("SELECT ra, phot_bp_mean_mag FROM gaiadr3.gaia_source").batches()
        with s3.proxy.going_wrong(of_files(kind)), pytest.raises(StorageError, match=sentence):
            rows.read_all()


def test_a_file_that_is_replaced_while_it_is_read_is_not_mixed(s3):
    s3.make("changing")
    s3.put("changing", "a.bin", b"a" * 100_000)
    old = objects.version_of("s3://changing/a.bin")
    assert objects.read(old, 10, 20) == b"a" * 10
    s3.put("changing", "a.bin", b"b" * 100_000)
    with pytest.raises(store.ChangedError, match=r"s3://changing/a\.bin changed while it was read; run it again"):
        objects.read(old, 50_000, 60_000)
    assert objects.read(old, 0, 100) == b"a" * 100  # that block is there
    new = objects.version_of("s3://changing/a.bin")
    assert new != old
    assert objects.read(new, 0, 100_000) == b"b" * 100_000
