"""Rows that belong to sources are the same by joins on the service and by lists that are sent to it."""

import time
from math import inf

import pytest
from servers.faulty import Fault

from sedsql.mirror.add import Download, fetch_strategy
from sedsql.mirror.add.photometry import fetch_photometry
from sedsql.mirror.archive import TABLES
from sedsql.mirror.database import open_mirror
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.verify import verify
from sedsql.tap.errors import Refused
from sedsql.tap.service import Service

BY_LIST, JOINED = "JOIN TAP_UPLOAD", r"DISTINCT.*JOIN"


def fetched(server, folder, monkeypatch, **how):
    monkeypatch.setattr(fetch_strategy, "TRIAL_ROWS", 500)
    monkeypatch.setattr(fetch_strategy, "LIST_ROWS", 700)
    client = Service(server.url, **{"attempts": 2, "delay": 0.01, "poll": 0.02, **how})
    with Download.to(folder) as download:
        fetch_photometry(download, client, None, None, whole=False)
    return folder


def assert_whole(mirror, source):
    for table, known in TABLES.items():
        query = f"SELECT {', '.join(known.columns)} FROM {table} ORDER BY ALL"
        with open_mirror(mirror) as got, open_mirror(source) as expected:
            assert got.sql(query).to_arrow_table().equals(expected.sql(query).to_arrow_table())
    assert list(verify(Mirror.read(mirror), lambda *_: None)) == []


def asked(server, words):
    return [query for query in server.queries if words in query and "COUNT" not in query]


def test_a_service_that_does_not_join_is_sent_lists(faulty, small_mirror, tmp_path, monkeypatch):
    faulty.faults.append(Fault("error_votable", "No joins here", on=JOINED, times=inf, status=400))
    assert_whole(fetched(faulty, tmp_path / "m", monkeypatch), small_mirror)
    assert len(asked(faulty, BY_LIST)) > 6
    pieces = Mirror.read(tmp_path / "m").tables["gaiadr1.allwise_original_valid"].pieces.values()
    assert max(piece.remote_rows for piece in pieces) <= 700


def test_a_service_that_takes_no_lists_joins(faulty, small_mirror, tmp_path, monkeypatch):
    faulty.faults.append(Fault("error_votable", "No uploads here", on="TAP_UPLOAD", times=inf, status=400))
    assert_whole(fetched(faulty, tmp_path / "m", monkeypatch), small_mirror)
    assert asked(faulty, "DISTINCT")


@pytest.mark.thorough
@pytest.mark.parametrize("slow", [BY_LIST, r"SELECT DISTINCT t.designation.*JOIN gaiadr1"])
def test_the_quicker_way_is_taken(faulty, small_mirror, tmp_path, monkeypatch, slow):
    fetch = Service.fetch

    def delayed(self, adql, *rest, **more):
        if (slow == BY_LIST) == (BY_LIST in adql) and "JOIN" in adql and "COUNT" not in adql:
            time.sleep(1.5)
        return fetch(self, adql, *rest, **more)

    monkeypatch.setattr(Service, "fetch", delayed)
    monkeypatch.setattr(fetch_strategy.JoinOrList, "_by_list", by_list := Noting(fetch_strategy.JoinOrList._by_list))
    assert_whole(fetched(faulty, tmp_path / "m", monkeypatch), small_mirror)
    assert bool(by_list.calls) == (slow != BY_LIST)


def test_all_that_is_wanted_is_known_before_the_first_row_comes(faulty, tmp_path, monkeypatch):
    def killed(self, name, service):
        raise KeyboardInterrupt

    monkeypatch.setattr(Download, "fetch", killed)
    with pytest.raises(KeyboardInterrupt):
        fetched(faulty, tmp_path / "m", monkeypatch)
    assert set(Mirror.read(tmp_path / "m").tables) == set(TABLES)
    assert all(stored.missing for stored in Mirror.read(tmp_path / "m").tables.values())


class Noting:
    """A method that notes its calls."""

    def __init__(self, method):
        self.method, self.calls = method, 0

    def __get__(self, instance, owner):
        def call():
            self.calls += 1
            return self.method(instance)

        return call


def test_a_service_that_does_neither_is_an_error(faulty, tmp_path, monkeypatch):
    faulty.faults.append(Fault("error_votable", "No joins here", on=JOINED, times=inf, status=400))
    faulty.faults.append(Fault("error_votable", "No uploads here", on="TAP_UPLOAD", times=inf, status=400))
    with pytest.raises(Refused, match="No uploads here"):
        fetched(faulty, tmp_path / "m", monkeypatch)


def test_the_real_server_takes_lists(dachs, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch_strategy.JoinOrList, "__init__", by_list(fetch_strategy.JoinOrList.__init__))
    monkeypatch.setattr(fetch_strategy, "LIST_ROWS", 300)
    with Download.to(tmp_path / "m") as download:
        fetch_photometry(download, Service(dachs.url), "CIRCLE(90, 20, 40)", None, whole=False)
    with open_mirror(tmp_path / "m") as got, open_mirror(dachs.mirror) as expected:
        rows = got.sql("FROM sed.photometry ORDER BY source_id").to_arrow_table()
        expected.register("rows", rows)
        query = "FROM sed.photometry SEMI JOIN rows USING (source_id) ORDER BY source_id"
        assert rows.equals(expected.sql(query).to_arrow_table())
    assert rows.num_rows > 1000
    assert rows["w1mpro"].null_count < rows.num_rows / 2


def by_list(method):
    def init(self, *rest):
        method(self, *rest)
        self._by_list()

    return init
