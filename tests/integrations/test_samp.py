"""Tables are sent by SAMP, over a real hub in this process, to a client that loads them."""

import pytest
from astropy.table import Table

import sedsql
from sedsql.integrations.samp import SampError


def test_a_cursor_and_a_table_are_sent(program, sky):
    topcat, other = program("topcat"), program("other")
    with sedsql.connect(sky) as con:
        query = "SELECT TOP 9 source_id, ra FROM gaiadr3.gaia_source ORDER BY source_id"
        assert sedsql.send(con.execute(query), "TOPCAT", name="nine") == ["topcat"]
        expected = con.execute(query).table()
    ((name, _, found),) = topcat.loaded
    assert name == "nine"
    assert found["source_id"].tolist() == expected["source_id"].tolist()
    assert str(found["ra"].unit) == "deg"
    assert sorted(sedsql.send(Table({"x": [1]}))) == ["other", "topcat"]
    assert other.loaded[-1].table["x"].tolist() == [1]


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
    assert [(one.name, len(one.table)) for one in topcat.loaded] == [("mine.vot", 2), ("mine.csv", 2), ("how many", 1)]
    assert topcat.loaded[-1].table["n"].tolist() == [2000]
    assert [one.name for one in aladin.loaded] == ["mine.fits"]


def test_no_program_listens(program, sedsql, tmp_path):
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
