"""A database's tables and columns are read with types, units and descriptions."""

import duckdb

from sedsql.catalogue import Catalogue, Column
from sedsql.photometry.bands import COLUMNS


def test_the_mirrors_tables(con):
    tables = Catalogue.of(con).tables
    assert {
        "gaiadr3.gaia_source",
        "gaiadr3.tmass_psc_xsc_best_neighbour",
        "gaiadr3.tmass_psc_xsc_join",
        "gaiadr1.tmass_original_valid",
        "gaiadr3.allwise_best_neighbour",
        "gaiadr1.allwise_original_valid",
        "sed.photometry",
        "sample.truth",
        "tap_schema.columns",
    } <= set(tables)

    gaia = tables["gaiadr3.gaia_source"]
    assert gaia.name == "gaiadr3.gaia_source"
    assert gaia.position == ("ra", "dec")
    assert gaia.cell_column == "source_id"
    assert gaia.columns["parallax"] == Column("parallax", "DOUBLE", "mas", "pos.parallax.trig", "Parallax")
    assert gaia.columns["phot_g_mean_mag"].datatype == "REAL"
    assert gaia.columns["source_id"].datatype == "BIGINT"
    assert list(gaia.columns)[:3] == ["solution_id", "designation", "source_id"]

    tmass = tables["gaiadr1.tmass_original_valid"]
    assert tmass.position == ("ra", "dec")
    assert (tmass.cell_column, tmass.cell_shift) == ("_healpix_29", 34)
    assert tmass.hidden == {"_healpix_29"}
    assert "added by sedsql" in tmass.columns["_healpix_29"].description
    assert tables["gaiadr3.allwise_best_neighbour"].position is None
    assert tables["gaiadr3.allwise_best_neighbour"].columns["xm_flag"].datatype == "SMALLINT"
    assert tables["gaiadr1.allwise_original_valid"].columns["w1mpro"].datatype == "DOUBLE"


def test_the_views_columns_are_described_like_those_they_show(con):
    photometry = Catalogue.of(con).tables["sed.photometry"]
    assert photometry.position == ("ra", "dec")
    assert photometry.cell_column == "source_id"
    assert photometry.description.startswith("Simulated")
    assert [name for name in photometry.columns if name in COLUMNS] == list(COLUMNS)
    for column in photometry.columns.values():
        assert column.description, column.name
        assert column.ucd, column.name
    assert photometry.columns["w3mpro"].unit == "mag"
    assert photometry.columns["phot_bp_mean_mag_error"].ucd == "stat.error;phot.mag;em.opt.B"


def test_any_database_can_be_a_catalogue():
    with duckdb.connect() as con:
        con.execute("CREATE TABLE Stars (Name VARCHAR, RA DOUBLE, Dec DOUBLE, mag FLOAT, n TINYINT, p DECIMAL(9, 3))")
        con.execute("COMMENT ON COLUMN Stars.mag IS 'brightness'")
        con.execute("COMMENT ON TABLE Stars IS 'mine'")
        con.execute("CREATE SCHEMA other")
        con.execute("CREATE VIEW other.cells AS SELECT 1::BIGINT AS source_id, true AS ok")
        tables = Catalogue.of(con).tables
    assert set(tables) == {"stars", "other.cells"}
    stars = tables["stars"]
    assert (stars.name, stars.description, stars.position, stars.cell_column) == (
        "Stars",
        "mine",
        ("RA", "Dec"),
        None,
    )
    assert stars.columns["mag"] == Column("mag", "REAL", None, None, "brightness")
    assert [column.datatype for column in stars.columns.values()][4:] == ["SMALLINT", "DOUBLE"]
    assert tables["other.cells"].columns["ok"].datatype == "BOOLEAN"
    assert tables["other.cells"].cell_column is None


def test_only_the_current_database_is_read():
    with duckdb.connect() as con:
        con.execute("CREATE TABLE here (a INTEGER)")
        con.execute("ATTACH ':memory:' AS elsewhere")
        con.execute("CREATE TABLE elsewhere.there (a INTEGER)")
        assert set(Catalogue.of(con).tables) == {"here"}
        con.execute("USE elsewhere")
        assert set(Catalogue.of(con).tables) == {"there"}
