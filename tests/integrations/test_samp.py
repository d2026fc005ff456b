"""Tables are sent by SAMP, over a real hub in this process, to a client that loads them."""

import time

import pytest
from astropy.table import Table

import sedsql
from sedsql.integrations.samp import SampError, library

SAMP = library()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'samp').as_uri()}")
    with SAMP.conf.set_temp("use_internet", False):
        hub = SAMP.SAMPHubServer(web_profile=False, lockfile=str(tmp_path / "samp"))
        hub.start()
        yield hub
        hub.stop()


@pytest.fixture
def program(hub):
    """`program(name, mtype)` is a client of that name; tables that it is sent are in its list."""
    clients = []

    def start(name, mtype="table.load.votable", status="samp.ok"):
        client = SAMP.SAMPIntegratedClient(name=name)
        client.connect()
        clients.append(client)
        client.tables = []

        def load(key, sender, message_id, mtype, params, extra):
            kind = {"table.load.votable": "votable", "table.load.fits": "fits"}[mtype]
            time.sleep(0.1)  # the hub loses an answer that comes before it begins to wait for it
            client.tables.append((params["name"], Table.read(params["url"].removeprefix("file://"), format=kind)))
            client.reply(
                message_id,
                {"samp.status": status, "samp.result": {}, "samp.error": {"samp.errortxt": "out of memory"}},
            )

        client.bind_receive_call(mtype, load)
        return client

    yield start
    for client in clients:
        client.disconnect()


def test_a_cursor_and_a_table_are_sent(program, sky):
    topcat, other = program("topcat"), program("other")
    with sedsql.connect(sky) as con:
        query = "SELECT TOP 9 source_id, ra FROM gaiadr3.gaia_source ORDER BY source_id"
        assert sedsql.send(con.execute(query), "TOPCAT", name="nine") == ["topcat"]
        expected = con.execute(query).table()
    ((name, found),) = topcat.tables
    assert name == "nine"
    assert found["source_id"].tolist() == expected["source_id"].tolist()
    assert str(found["ra"].unit) == "deg"
    assert sorted(sedsql.send(Table({"x": [1]}))) == ["other", "topcat"]
    assert other.tables[-1][1]["x"].tolist() == [1]


def test_the_command_sends_files_and_answers(program, sedsql, sky, tmp_path):
    topcat, aladin = program("topcat"), program("aladin", "table.load.fits")
    table = Table({"ra": [1.0, 2.0]})
    for ending in ("vot", "fits", "csv"):
        table.write(tmp_path / f"mine.{ending}", format={"vot": "votable"}.get(ending))
    assert sedsql("send", tmp_path / "mine.vot").out == "topcat loaded it\n"
    assert sedsql("send", tmp_path / "mine.fits", "--json").out == '{"sent_to": ["aladin"]}\n'
    assert sedsql("send", tmp_path / "mine.csv", "--to", "topcat").code == 0
    ran = sedsql("send", "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source", "-m", sky, "--name", "how many")
    assert (ran.code, ran.err) == (0, "")
    assert [(name, len(found)) for name, found in topcat.tables] == [("mine.vot", 2), ("mine.csv", 2), ("how many", 1)]
    assert topcat.tables[-1][1]["n"].tolist() == [2000]
    assert [name for name, _ in aladin.tables] == ["mine.fits"]


def test_no_program_listens(hub, program, sedsql, tmp_path):
    Table({"x": [1]}).write(tmp_path / "mine.vot", format="votable")
    assert "No program that takes tables is connected" in sedsql("send", tmp_path / "mine.vot").err
    program("aladin")
    ran = sedsql("send", tmp_path / "mine.vot", "--to", "topcat")
    assert (ran.code, ran.err) == (1, "Error: topcat does not listen; aladin would take it\n")
    program("broken", status="samp.error")
    assert (
        "broken could not load mine.vot: out of memory" in sedsql("send", tmp_path / "mine.vot", "--to", "broken").err
    )


def test_without_a_hub(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'none').as_uri()}")
    with pytest.raises(SampError, match="No SAMP hub is running; start TOPCAT or Aladin"):
        sedsql.send(Table({"x": [1]}))
