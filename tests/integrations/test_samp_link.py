"""A page's link to SAMP, over a real hub in this process: tables go out, selections come in."""

import time

import numpy as np
import pytest
from astropy.table import Table
from servers import samp

from sedsql.integrations.samp import SampError
from sedsql.integrations.samp_link import SampLink
from sedsql.service.explore.samp import Exchange


@pytest.fixture
def exchange(samp_hub):
    link = SampLink()
    yield Exchange(link)
    link.close()


def wait_for_events(exchange, after=0):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if (found := exchange.events(after))["events"]:
            return found
        time.sleep(0.02)
    raise AssertionError("no event came")


def test_a_selection_is_sent_and_what_is_selected_in_it_comes_back(topcat, exchange, tmp_path):
    Table({"ra": [1.0, 2.0, 3.0]}).write(tmp_path / "selection.vot", format="votable")
    assert exchange.programs() == ["topcat"]
    sent = exchange.send(tmp_path / "selection.vot", "selection", np.array([7, 11, 13], np.uint32))
    assert sent["sent_to"] == ["topcat"]
    ((_, identity, table),) = topcat.loaded
    assert identity == sent["table"]
    assert table["ra"].tolist() == [1.0, 2.0, 3.0]
    topcat.enotify_all("table.select.rowList", **{"table-id": identity, "row-list": ["2", "0", "9", "-1", "9" * 30]})
    found = wait_for_events(exchange)
    assert found["events"] == [{"number": 1, "kind": "rows", "table": identity, "from": "topcat", "rows": [13, 7]}]
    assert found["last"] == 1
    assert exchange.events(1) == {"last": 1, "events": []}
    topcat.enotify_all("table.select.rowList", **{"table-id": "of somebody else", "row-list": ["1"]})
    topcat.enotify_all("coord.pointAt.sky", ra="83.8", dec="-5.4")
    until = time.monotonic() + 10
    while exchange.events(1)["last"] < 3 and time.monotonic() < until:
        time.sleep(0.02)
    position = {"kind": "position", "ra": 83.8, "dec": -5.4, "from": "topcat"}
    assert [{**one, "number": 0} for one in exchange.events(1)["events"]] == [{**position, "number": 0}]


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("table.select.rowList", {"row-list": ["1"]}),
        ("table.select.rowList", {"table-id": "x", "row-list": ["one"]}),
        ("coord.pointAt.sky", {"ra": "north"}),
        ("coord.pointAt.sky", {"ra": "1", "dec": "91"}),
        ("coord.pointAt.sky", {"ra": "nan", "dec": "1"}),
    ],
)
def test_messages_that_say_nothing_are_passed_over(topcat, exchange, kind, params):
    assert exchange.programs() == ["topcat"]
    (identity,) = topcat.get_subscribed_clients(kind)
    answer = topcat.call_and_wait(identity, {"samp.mtype": kind, "samp.params": params}, "10")
    assert answer["samp.status"] == "samp.ok"
    assert exchange.events() == {"last": 0, "events": []}


def test_the_link_points_other_programs_to_a_position(topcat):
    points = []
    topcat.bind_receive_notification("coord.pointAt.sky", lambda *message: points.append(message[4]))
    link = SampLink()
    link.point(83.8, -5.4)
    until = time.monotonic() + 10
    while not points and time.monotonic() < until:
        time.sleep(0.02)
    assert points == [{"ra": "83.8", "dec": "-5.4"}]
    link.close()


def test_without_a_hub_and_when_it_has_come_back(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'samp').as_uri()}")
    link = SampLink()
    assert link.programs() == []
    with pytest.raises(SampError, match="No SAMP hub is running; start TOPCAT or Aladin"):
        link.send(tmp_path / "x.vot", "x", "x")
    for _ in range(2):
        with (
            samp.hub(tmp_path / "samp"),
            pytest.raises(SampError, match="No program that takes tables is connected"),
        ):
            link.send(tmp_path / "x.vot", "x", "x")
    assert link.programs() == []
    link.close()
