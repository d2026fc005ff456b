"""Pieces of a question: whatever they are cut in, together they are the table, and none brings a row twice."""

import numpy as np
import pytest

import sedsql
from sedsql.mirror import cells
from sedsql.mirror.add import slices
from sedsql.mirror.add.matched import Matched
from sedsql.mirror.add.slices import ByColumn, ByIndex, ByPosition

COLUMNS = {
    "gaiadr3.gaia_source": ("source_id", "ra", "dec"),
    "gaiadr1.tmass_original_valid": ("designation", "ra", "dec", "tmass_oid"),
}


@pytest.fixture(scope="module")
def sky(sample_sky):
    with sedsql.connect(sample_sky) as con:
        yield con


def gaia(condition=None):
    return ByColumn("gaiadr3.gaia_source", COLUMNS["gaiadr3.gaia_source"], condition)


def tmass(condition=None):
    return ByPosition("gaiadr1.tmass_original_valid", COLUMNS["gaiadr1.tmass_original_valid"], condition)


def oids(condition=None):
    return ByIndex("gaiadr1.tmass_original_valid", ("designation", "tmass_oid"), condition, "tmass_oid")


def pieces_of(slicing, ranges, cuts):
    found = slicing.pieces(ranges)
    for parts in cuts:
        found = [small for piece in found for small in slicing.split(piece, parts) or [piece]]
    return found


@pytest.mark.parametrize(
    ("slicing", "ranges", "cuts"),
    [
        (gaia(), cells.SKY, (7, 3)),
        (gaia("phot_g_mean_mag < 15 OR ra > 300"), cells.SKY, (5, 2)),
        (tmass(), cells.SKY, (12, 5)),
        (tmass("j_m < 12"), cells.SKY, (12,)),
        (oids(), [(1, 40_000)], (3, 3)),
    ],
)
def test_pieces_together_are_the_table(sky, slicing, ranges, cuts):
    pieces = pieces_of(slicing, ranges, cuts)
    assert len(pieces) > 8
    assert cells.union(range_ for piece in pieces for range_ in piece) == ranges
    assert sum(cells.size(piece) for piece in pieces) == cells.size(ranges)
    came, key = [], slicing.columns[0]
    for piece in pieces:
        assert len(piece) <= slicing.most
        rows = sky.execute(slicing.select(piece)).arrow()
        assert sky.execute(slicing.count(piece)).fetchone() == (rows.num_rows,)
        came += slicing.keep(rows, piece)[key].to_pylist()
    condition = f" WHERE {slicing.condition}" if slicing.condition else ""
    expected = sky.execute(f"SELECT {key} FROM {slicing.table}{condition}").fetchall()
    assert sorted(came) == sorted(value for (value,) in expected)


def test_a_region_has_all_sources_of_a_cone(sky):
    for slicing, margin in ((gaia(), cells.MARGIN), (tmass(), 0)):
        ranges = cells.of_region("CIRCLE(83.8, -5.4, 3)", margin)
        came = set()
        for piece in slicing.pieces(ranges):
            came |= set(slicing.keep(sky.execute(slicing.select(piece)).arrow(), piece)[slicing.columns[0]].to_pylist())
        query = f"SELECT {slicing.columns[0]} FROM {slicing.table} WHERE DISTANCE(83.8, -5.4, ra, dec) < 3"
        inside = {value for (value,) in sky.execute(query).fetchall()}
        assert len(inside) > 100
        assert inside <= came
        assert len(came) < 1.5 * len(inside)


def test_the_smallest_piece_cannot_be_split():
    assert gaia().split([(5, 6)], 4) == []
    assert tmass().split([(5, 6)], 4) == []
    assert gaia().split([(5, 7)], 9) == [[(5, 6)], [(6, 7)]]


@pytest.mark.parametrize("slicing", [gaia("ra > 1"), tmass(), oids()])
def test_settings_make_the_same_again(slicing):
    assert slices.of(slicing.settings()) == slicing


def test_names_that_are_no_words_are_quoted():
    slicing = ByPosition("ns.t", ("RAJ2000", "e_B-V", "_x"), None, "RAJ2000", "DEJ2000")
    assert slicing.select([(0, 1)]).startswith('SELECT RAJ2000, "e_B-V", "_x" FROM ns.t WHERE 1 = CONTAINS(POINT(')


def test_matched_rows_come_once_a_piece(sky):
    joins = (
        "gaiadr3.allwise_best_neighbour AS m JOIN gaiadr1.allwise_original_valid AS t ON t.allwise_oid = m.allwise_oid"
    )
    slicing = Matched("gaiadr1.allwise_original_valid", ("designation", "allwise_oid"), None, joins, "allwise_oid")
    came = []
    for piece in pieces_of(slicing, cells.SKY, (6,)):
        rows = sky.execute(slicing.select(piece)).arrow()
        assert sky.execute(slicing.count(piece)).fetchone() == (rows.num_rows,)
        assert len(np.unique(rows["allwise_oid"])) == rows.num_rows
        came += rows["allwise_oid"].to_pylist()
    expected = sky.execute("SELECT DISTINCT allwise_oid FROM gaiadr3.allwise_best_neighbour").fetchall()
    assert set(came) == {value for (value,) in expected}
