"""Queries that people ran against the Gaia Archive bind to tables that have the archive's columns."""

import csv
import re

import duckdb
import pytest

from sedsql.adql import AdqlError, translate

from .conftest import SHARED, Catalogue, Column, Table, shared_queries

SCHEMA = SHARED.parent / "schema"
QUERIES = shared_queries("archive_queries.jsonl")
pytestmark = pytest.mark.skipif(not SCHEMA.exists(), reason=f"needs {SCHEMA}")
FILES = {
    "gaiadr3.gaia_source": "gaiadr3.gaia_source.tsv",
    "gaiadr3.astrophysical_parameters": "astrophysical_parameters_create_table.sql",
    "gaiadr3.allwise_best_neighbour": "allwise_best_neighbour_create_table.sql",
    "gaiadr3.allwise_neighbourhood": "allwise_neighbourhood_create_table.sql",
    "gaiadr3.tmass_psc_xsc_best_neighbour": "tmass_psc_xsc_best_neighbour_create_table.sql",
    "gaiadr3.tmass_psc_xsc_neighbourhood": "tmass_psc_xsc_neighbourhood_create_table.sql",
    "gaiadr1.tmass_original_valid": "gbs_v3_tmass-result_columns.tsv",
    "gaiadr1.allwise_original_valid": "gbs_v3_allwise-result_columns.tsv",
    "tmass.twomass_psc": "twomass_psc_create_table.sql",
}
# Of these releases only the columns that DR3 has as well are known.
FILES |= dict.fromkeys(
    ("gaiadr1.gaia_source", "gaiadr2.gaia_source", "gaiaedr3.gaia_source"), "gaiadr3.gaia_source.tsv"
)
VOTABLE = {"long": "BIGINT", "int": "INTEGER", "short": "SMALLINT", "unsignedByte": "SMALLINT", "boolean": "BOOLEAN",
           "float": "REAL", "double": "DOUBLE", "char": "VARCHAR"}  # fmt: skip
FITS = {"K": "BIGINT", "J": "INTEGER", "I": "SMALLINT", "E": "REAL", "D": "DOUBLE", "L": "BOOLEAN", "A": "VARCHAR"}


def described(name):
    """The columns of a table, as name and DuckDB type."""
    text = (SCHEMA / FILES[name]).read_text()
    if FILES[name].endswith(".tsv"):
        for row in csv.DictReader(text.splitlines(), delimiter="\t"):
            kind = VOTABLE[row["datatype"]] if "datatype" in row else FITS[row["fits_format"][-1]]
            yield row["name"], kind
        return
    text = re.sub(r"/\*.*?\*/|--[^\n]*", "", text, flags=re.DOTALL)
    body = re.search(r"create table [\w.]+\s*\((.*?)\n\s*\)", text, re.IGNORECASE | re.DOTALL)[1]
    for column in re.split(r",(?![^(]*\))", body):
        words = column.split()
        if words and words[0].lower() not in ("primary", "constraint"):
            kind = re.sub(r"\(.*\)", "", words[1]).lower()
            yield words[0], {"text": "VARCHAR", "character": "VARCHAR", "double": "DOUBLE"}.get(kind, kind.upper())


@pytest.fixture(scope="module")
def archive():
    con = duckdb.connect()
    tables = {}
    for name in FILES:
        columns = {column.lower(): Column(column.lower(), kind) for column, kind in described(name)}
        tables[name] = Table(columns, ("ra", "dec") if {"ra", "dec"} <= set(columns) else None,
                             "source_id" if name.endswith("gaia_source") else None)  # fmt: skip
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
        definitions = ", ".join(f'"{column.name}" {column.datatype}' for column in columns.values())
        con.execute(f"CREATE TABLE {name} ({definitions})")
    return Catalogue(tables), con


# What an archive refuses as well, and why.
NOT_ADQL = {
    "WHERE parallax < 1\nsource_id": "the SELECT list after WHERE, an exercise to be corrected",
    "LIMIT 10": "LIMIT, of MyGaiaDB",
    "dr2_source_id=": "cut off before the number",
    "%.3f": "a template of Python",
    "upload_table.db_names FROM gaiadr3": "a column of a table that is not in FROM",
    "cache_id": "Python after the query",
    "- ['gaiadr1": "a test's expectation after the query",
}
# Columns of DR2 or of 2MASS's counterpart that the descriptions at hand do not have.
ELSEWHERE = {"'phot_variable_flag'", "'teff_val'", "'j_msigcom'", "'w1mpro_error'"}


@pytest.mark.parametrize("row", QUERIES, ids=[row["query"][:60] for row in QUERIES])
def test_archive_queries_bind(archive, row):
    catalogue, con = archive
    query = row["query"]
    if query.strip() == "SELECT" or any(words in query for words in NOT_ADQL):
        with pytest.raises(AdqlError):
            translate(query, catalogue, {}, strict=False)
        return
    named = {name.lower() for name in re.findall(r"(?:FROM|JOIN)\s+(\w+\.\w+)", query, re.IGNORECASE)}
    unknown = named - set(FILES)
    if unknown:  # a table of another service, of a user, or whose columns are not at hand
        with pytest.raises(AdqlError, match="There is no table"):
            translate(query, catalogue, {}, strict=False)
        return
    try:
        sql = translate(query, catalogue, {}, strict=False)
    except AdqlError as error:
        assert any(f"no column {column}" in str(error) for column in ELSEWHERE), str(error)  # noqa: PT017
        return
    con.execute(f"EXPLAIN {sql}").fetchall()


def test_most_archive_queries_find_their_tables():
    known = [row for row in QUERIES if set(re.findall(r"(?:FROM|JOIN)\s+(\w+\.\w+)", row["query"])) <= set(FILES)]
    assert len(known) >= 15
