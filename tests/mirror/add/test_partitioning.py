"""However a table is split, its pieces together are the table, and no row comes twice."""

import numpy as np
import pytest

import sedsql
from sedsql.catalogue.healpix import ARCMINUTE
from sedsql.mirror.add import partitioning
from sedsql.mirror.add.matched import Matched
from sedsql.mirror.add.partitioning import ByColumn, ByIndex, ByPosition, Whole
from sedsql.mirror.ranges import SKY, size, union
from sedsql.mirror.regions import cells_of_region

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


def pieces_of(by, ranges, cuts):
    found = by.pieces(ranges)
    for parts in cuts:
        found = [small for piece in found for small in by.split(piece, parts) or [piece]]
    return found


@pytest.mark.parametrize(
    ("by", "ranges", "cuts"),
    [
        (gaia(), SKY, (7, 3)),
        (gaia("phot_g_mean_mag < 15 OR ra > 300"), SKY, (5, 2)),
        (tmass(), SKY, (12, 5)),
        (tmass("j_m < 12"), SKY, (12,)),
        (oids(), [(1, 40_000)], (3, 3)),
    ],
)
def test_pieces_together_are_the_table(sky, by, ranges, cuts):
    pieces = pieces_of(by, ranges, cuts)
    assert len(pieces) > 8
    assert union(range_ for piece in pieces for range_ in piece) == ranges
    assert sum(size(piece) for piece in pieces) == size(ranges)
    came, key = [], by.columns[0]
    for piece in pieces:
        assert len(piece) <= by.most
        rows = sky.execute(by.select(piece)).arrow()
        assert sky.execute(by.count(piece)).fetchone() == (rows.num_rows,)
        came += by.keep(rows, piece)[key].to_pylist()
    condition = f" WHERE {by.condition}" if by.condition else ""
    expected = sky.execute(f"SELECT {key} FROM {by.table}{condition}").fetchall()
    assert sorted(came) == sorted(value for (value,) in expected)


def test_a_region_has_all_sources_of_a_cone(sky):
    for by, margin in ((gaia(), ARCMINUTE), (tmass(), 0)):
        ranges = cells_of_region("CIRCLE(83.8, -5.4, 3)", margin)
        came = set()
        for piece in by.pieces(ranges):
            came |= set(by.keep(sky.execute(by.select(piece)).arrow(), piece)[by.columns[0]].to_pylist())
        query = f"SELECT {by.columns[0]} FROM {by.table} WHERE DISTANCE(83.8, -5.4, ra, dec) < 3"
        inside = {value for (value,) in sky.execute(query).fetchall()}
        assert len(inside) > 100
        assert inside <= came
        assert len(came) < 1.5 * len(inside)


def test_the_smallest_piece_cannot_be_split():
    assert gaia().split([(5, 6)], 4) == []
    assert tmass().split([(5, 6)], 4) == []
    assert Whole("ns.t", ("a",)).split(Whole.ranges, 4) == []
    assert gaia().split([(5, 7)], 9) == [[(5, 6)], [(6, 7)]]


@pytest.mark.parametrize("by", [gaia("ra > 1"), tmass(), oids(), Whole("ns.t", ("a",), "a > 1")])
def test_settings_make_the_same_again(by):
    assert partitioning.of(by.settings()) == by


def test_names_that_are_no_words_are_quoted():
    by = ByPosition("ns.t", ("RAJ2000", "e_B-V", "_x"), None, "RAJ2000", "DEJ2000")
    assert by.select([(0, 1)]).startswith('SELECT RAJ2000, "e_B-V", "_x" FROM ns.t WHERE 1 = CONTAINS(POINT(')


def test_matched_rows_come_once_a_piece(sky):
    joins = (
        "gaiadr3.allwise_best_neighbour AS m JOIN gaiadr1.allwise_original_valid AS t ON t.allwise_oid = m.allwise_oid"
    )
    by = Matched("gaiadr1.allwise_original_valid", ("designation", "allwise_oid"), None, joins, "allwise_oid")
    came = []
    for piece in pieces_of(by, SKY, (6,)):
        rows = sky.execute(by.select(piece)).arrow()
        assert sky.execute(by.count(piece)).fetchone() == (rows.num_rows,)
        assert len(np.unique(rows["allwise_oid"])) == rows.num_rows
        came += rows["allwise_oid"].to_pylist()
    expected = sky.execute("SELECT DISTINCT allwise_oid FROM gaiadr3.allwise_best_neighbour").fetchall()
    assert set(came) == {value for (value,) in expected}
