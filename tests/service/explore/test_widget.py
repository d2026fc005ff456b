"""The page in a notebook: messages over the widget's channel get what the server answers over HTTP."""

import json
import time

import numpy as np
import pytest
from exploring import arrays

import sedsql
from sedsql.service.explore import widget
from sedsql.service.explore.in_process import InProcess

QUERY = "SELECT * FROM sed.photometry ORDER BY source_id"
VIEWS = {
    "sky": {"kind": "plane", "x": {"column": "ra"}, "y": {"column": "dec"}, "size": [40, 30]},
    "hist": {"kind": "line", "x": {"column": "phot_g_mean_mag"}, "bins": 20},
}
FILTER = [{"view": "sky", "range": [20, 250, -40, 60]}, {"classes": ["yso", "giant"]}]


@pytest.fixture
def con(sky):
    with sedsql.connect(sky) as con:
        yield con


class Kernel:
    """A page over a channel; `ask` waits for the answer to a message, and gives it with its lines and buffers."""

    def __init__(self, connection):
        self.told = []
        self.answers = InProcess(connection, lambda message, buffers: self.told.append((message, buffers)))
        self.last = 0

    def send(self, method, path, body=None):
        self.last += 1
        self.answers.receive({"id": self.last, "method": method, "path": path, "body": body})
        return self.last

    def wait(self, number):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            mine = [(message, buffers) for message, buffers in self.told if message["id"] == number]
            if mine and "status" in mine[-1][0]:
                return mine
            time.sleep(0.01)
        raise AssertionError("no answer")

    def ask(self, method, path, body=None):
        return self.wait(self.send(method, path, body))

    def session(self, operation, **values):
        ((message, buffers),) = self.ask("POST", f"sessions/notebook/{operation}", values)
        return message, buffers

    def query(self, text):
        *_, (line, _), (end, _) = self.ask("POST", "sessions/notebook/query", {"query": text})
        assert end == {"id": self.last, "status": 200, "end": True}
        return line["line"]


@pytest.fixture
def kernel(con):
    kernel = Kernel(con)
    yield kernel
    kernel.answers.close()


def test_answers_are_those_of_the_server(kernel, page):
    expected = page.query(QUERY)
    assert kernel.ask("POST", "sessions", {}) == [({"id": 1, "status": 200, "json": {"id": "notebook"}}, [])]
    result = kernel.query(QUERY)["result"]
    assert {**result, "seconds": 0} == {**expected, "seconds": 0}
    for operation, values in (("axes", {"views": VIEWS}), ("select", {"filter": FILTER})):
        message, (buffer,) = kernel.session(operation, **values)
        assert message["status"] == 200
        assert buffer == page.ask(operation, **values).content
    ((_, (buffer,)),) = kernel.ask("POST", "sessions/notebook/axes?points=0", {"views": VIEWS})
    assert arrays(buffer)[0]["points"] is False
    for operation, values in (
        ("rows", {"filter": FILTER, "count": 9}),
        ("source", {"row": 7, "without": ["j_m"]}),
        ("where", {"filter": FILTER}),
        ("pick", {"view": "sky", "at": [80, 0], "within": [30, 30], "filter": []}),
    ):
        message, buffers = kernel.session(operation, **values)
        assert message == {"id": kernel.last, "status": 200, "json": page.ask(operation, **values).json()}
        assert buffers == []
    message, (buffer,) = kernel.session("export", filter=FILTER, format="csv")
    assert message["mime"] == "text/csv;header=present"
    assert buffer == page.ask("export", filter=FILTER, format="csv").content
    about, expected = json.loads(json.dumps(kernel.ask("GET", "about")[0][0]["json"])), page.get("about").json()
    assert {**about, "limits": 0} == {**expected, "limits": 0}
    region = kernel.ask("POST", "region", {"text": "Pleiades, 2"})[0][0]
    assert region["json"] == page.post("region", {"text": "Pleiades, 2"}).json()


def test_mistakes_are_told_in_a_sentence(kernel):
    asked = {"select": {"filter": []}, "where": {"filter": []}, "export": {"filter": [], "format": "csv"}}
    for operation, values in {**asked, "source": {"row": 0}}.items():
        message, _ = kernel.session(operation, **values)
        assert message["status"] == 409
        assert "There is no result yet" in message["json"]["error"]["message"]
    error = kernel.query("SELECT nothing FROM sed.photometry")["error"]
    assert error["message"].startswith("There is no column 'nothing'")
    assert (error["line"], error["column"], error["length"]) == (1, 8, 7)
    checked = kernel.ask("POST", "check", {"query": "SELECT ra FROM"})[0][0]["json"]
    assert checked["ok"] is False
    assert checked["error"]["line"] == 1
    assert kernel.ask("POST", "check", {"query": QUERY})[0][0]["json"]["ok"] is True
    assert "No region is called" in kernel.ask("POST", "region", {"text": "nowhere"})[0][0]["json"]["error"]["message"]
    assert kernel.told[-1][0]["status"] == 200
    message = kernel.ask("GET", "secrets")[0][0]
    assert message["status"] == 404
    assert "There is no 'secrets' here" in message["json"]["error"]["message"]
    message, _ = kernel.session("whatever")
    assert message["status"] >= 400
    kernel.query("SELECT TOP 3 ra, dec FROM gaiadr3.gaia_source")
    message, _ = kernel.session("source", row=3)
    assert message["json"]["error"]["message"].startswith("row is a whole number from 0 to 2")


def test_a_query_is_stopped_while_others_are_checked(kernel):
    crossed = "SELECT SUM(SQRT(a.ra + b.ra * c.ra)) AS s FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b, "
    number = kernel.send("POST", "sessions/notebook/query", {"query": crossed + "gaiadr3.gaia_source AS c"})
    until = time.monotonic() + 30
    while not any("line" in message for message, _ in kernel.told) and time.monotonic() < until:
        time.sleep(0.02)
    assert {"progress", "seconds"} == {*kernel.told[0][0]["line"]}
    assert kernel.ask("POST", "check", {"query": QUERY})[0][0]["json"]["ok"] is True
    kernel.answers.receive({"cancel": number})
    *_, (line, _), _ = kernel.wait(number)
    assert line["line"]["error"]["cancelled"] is True
    assert kernel.query("SELECT TOP 3 ra, dec FROM gaiadr3.gaia_source")["result"]["rows"] == 3


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A bundle in the place of the page's, which a checkout need not have."""
    monkeypatch.setattr(widget, "PAGE", tmp_path)
    (tmp_path / "widget.js").write_text("export default { render() {} }")
    (tmp_path / "widget.css").write_text("")


def test_the_widget_gives_back_what_is_selected(built, con):
    shown = sedsql.explore(con.execute(QUERY))
    assert shown.start == {"query": QUERY}
    assert shown._esm.startswith("export default")
    sent = []
    shown.send = lambda content, buffers=None: sent.append(content)
    shown._answers._tell = shown.send
    for number, (operation, values) in enumerate({"query": {"query": QUERY}, "axes": {"views": VIEWS}}.items()):
        shown._handle_custom_msg({"id": number, "path": f"sessions/notebook/{operation}", "body": values}, [])
    everything = shown.selection()  # which waits for its turn
    assert [message["id"] for message in sent if "status" in message] == [0, 1]
    assert len(everything) == 2_000
    shown.filter = FILTER
    table = shown.selection()
    assert {*table["class"]} == {"yso", "giant"}
    assert ((table["ra"] > 20) & (table["ra"] < 250)).all()
    assert str(table["parallax"].unit) == "mas"
    assert table.meta["sedsql"]["model"] == "sky-1"
    found = con.execute(shown.adql()).table()
    assert np.array_equal(np.sort(found["source_id"]), np.sort(table["source_id"]))
    again = sedsql.explore(con)
    assert again.start == {"query": ""}
    assert shown.comm is None
    again.close()


def test_uploads_and_models_of_the_connection_are_explored(con):
    con.upload("mine", con.execute("SELECT TOP 50 * FROM sed.photometry").table())
    kernel = Kernel(con)
    assert kernel.query("SELECT * FROM TAP_UPLOAD.mine")["result"]["rows"] == 50
    kernel.answers.close()


def test_what_cannot_be_explored_is_told(built, con, tmp_path):
    for rows, sentence in (
        (con.cursor(), "takes a cursor with a query of ADQL"),
        (con.sql("SELECT 1 AS x"), "takes a cursor with a query of ADQL"),
        (con.execute("SELECT ra FROM gaiadr3.gaia_source WHERE dec > ?", [1]), "a query without parameters"),
        ([1, 2], "takes a cursor or a connection, not list"),
    ):
        with pytest.raises(sedsql.InterfaceError, match=sentence):
            sedsql.explore(rows)
    (tmp_path / "widget.js").unlink()
    with pytest.raises(sedsql.InterfaceError, match="run `make page`"):
        sedsql.explore(con)
