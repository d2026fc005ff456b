"""Connections and cursors show themselves in notebooks."""

import re

import pytest

import sedsql


@pytest.fixture
def con(sky):
    with sedsql.connect(sky) as con:
        yield con


def test_a_connection_lists_its_tables(con, sky):
    assert str(sky) in repr(con)
    shown = con._repr_html_()
    for table in con.catalogue.tables.values():
        assert table.name in shown
    con.close()
    assert repr(con) == "<sedsql connection, closed>"
    assert con._repr_html_() is None
    assert "without a mirror" in repr(sedsql.connect())


def test_a_cursor_shows_its_first_rows_with_units_and_keeps_them(con):
    query = "SELECT TOP 30 source_id, ra, parallax, ra AS ra2 FROM gaiadr3.gaia_source ORDER BY source_id"
    cursor = con.execute(query)
    assert repr(cursor) == "<sedsql cursor: source_id, ra, parallax, ra2>"
    shown = cursor._repr_html_()
    expected = con.execute(query).fetchall()
    ids = [int(cell) for cell in re.findall(r"<td>(\d{12,})</td>", shown)]
    assert ids == [row[0] for row in expected[:20]]
    assert ">deg<" in shown
    assert ">mas<" in shown
    assert "first 20 rows" in shown
    assert re.sub(r"table\d+", "", cursor._repr_html_()) == re.sub(r"table\d+", "", shown)
    assert cursor.fetchall() == expected


def test_a_cursor_with_parameters_and_alike_names(con):
    cursor = con.sql("SELECT ? AS a, 2 AS a", [1])
    assert "<td>1</td><td>2</td>" in cursor._repr_html_()
    assert cursor.fetchall() == [(1, 2)]
    assert cursor._repr_html_() is None  # its rows were taken
    assert repr(con.cursor()) == "<sedsql cursor without rows to fetch>"
    cursor.close()
    assert (repr(cursor), cursor._repr_html_()) == ("<sedsql cursor, closed>", None)


def test_rows_and_then_the_whole_answer(con):
    """As JupySQL has it: two rows are taken, then a DataFrame of all."""
    query = "SELECT source_id FROM gaiadr3.gaia_source ORDER BY source_id"
    expected = con.execute(query).fetchall()
    cursor = con.execute(query)
    assert cursor.fetchmany(2) == expected[:2]
    assert cursor.df()["source_id"].tolist() == [row[0] for row in expected]
    assert cursor.arrow()["source_id"].to_pylist() == [row[0] for row in expected]
    assert cursor.fetchmany(2) == expected[2:4]
    assert cursor.execute(query).df()["source_id"].tolist() == [row[0] for row in expected]
    cursor.execute(query).fetchone()
    cursor.close()


def test_an_answer_is_uploaded(con):
    con.upload("few", con.execute("SELECT TOP 5 source_id, ra FROM gaiadr3.gaia_source ORDER BY source_id"))
    found = con.execute("SELECT f.ra FROM TAP_UPLOAD.few AS f JOIN gaiadr3.gaia_source AS g USING (source_id)").table()
    assert (len(found), str(found["ra"].unit)) == (5, "deg")
