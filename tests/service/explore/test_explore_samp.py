"""A selection of the page goes to a program by SAMP, over a real hub, and what is selected there comes back."""

import time

import pytest
from exploring import Page, sentence
from serving import running

import sedsql
from sedsql.integrations.samp_link import SampLink
from sedsql.service.explore.explore import Explore
from sedsql.service.explore.settings import ExploreSettings
from sedsql.service.explore.start import make_app
from sedsql.service.workers import Settings

SKY = {"kind": "plane", "x": {"column": "ra"}, "y": {"column": "dec"}, "size": [9, 9]}


@pytest.fixture
def training(sky, tmp_path):
    """A labelled table of the sources of the mirror."""
    with sedsql.connect(sky) as con:
        query = "SELECT s.*, sed_class(s) AS kind FROM sed.photometry AS s WHERE sed_class(s) IN "
        con.execute(query + "('yso', 'agn', 'giant')").table().write(tmp_path / "labelled.vot", format="votable")
    return tmp_path / "labelled.vot"


def test_a_selection_goes_to_topcat_and_what_is_selected_there_comes_back(topcat, sky, training, tmp_path):
    process = Settings(sky, tmp_path / "process", threads=1)
    settings = ExploreSettings(process, any_host=False, training=training, label="kind")
    link = SampLink()
    explore = Explore(settings, link=link)
    with running(explore, make_app(explore)) as url:
        url = url.removesuffix("/tap")
        page = Page(url).begin()
        page.query("SELECT source_id, ra, dec FROM gaiadr3.gaia_source")
        page.ask("axes", views={"sky": SKY})
        assert page.get("about").json()["samp"] is True
        nearest = page.ask("source", row=0).json()["neighbours"]  # whatever programs there are
        assert {one["label"] for one in nearest} <= {"yso", "agn", "giant"}
        assert len(nearest) == 5
        assert page.get("samp").json() == {"programs": ["topcat"]}
        filter = [{"view": "sky", "range": [10, 300, -20, 20]}]
        sent = page.ask("samp/send", filter=filter).json()
        rows = page.ask("rows", filter=filter, count=500).json()["rows"]
        ((_, identity, table),) = topcat.loaded
        assert sent == {"sent_to": ["topcat"], "table": identity}
        assert [str(one) for one in table["source_id"]][:500] == [row[1] for row in rows]
        assert str(table["ra"].unit) == "deg"
        topcat.enotify_all("table.select.rowList", **{"table-id": identity, "row-list": ["3", "1"]})
        until = time.monotonic() + 10
        while not (found := page.get("samp/events?after=0").json())["events"] and time.monotonic() < until:
            time.sleep(0.05)
        (event,) = found["events"]
        assert event["rows"] == [rows[3][0], rows[1][0]]
        assert page.get("samp/events?after=1").json() == {"last": 1, "events": []}
        assert "aladin does not listen; topcat would take it" in sentence(
            page.ask("samp/send", filter=filter, to="aladin"), 409
        )
        assert "There is no view 'map'" in sentence(page.ask("samp/send", filter=[{"view": "map"}]), 400)
        assert "after is the number" in sentence(page.get("samp/events?after=-1"), 400)
        assert page.get("samp", headers={}).status_code == 403
        assert not list((tmp_path / "process" / "samp").iterdir())
        page.end()
    link.close()


def test_a_page_that_others_see_has_no_samp(shown, sky, tmp_path):
    assert "a page that this machine shows to itself" in sentence(Page(shown[0]).get("samp"), 409)
    assert Page(shown[0]).get("about").json()["samp"] is False
    settings = ExploreSettings(Settings(sky, tmp_path, threads=1), any_host=True)
    assert Explore(settings, link=SampLink()).samp is None
