"""Every format that astropy reads has the rows of the mirror."""

import io

import pytest
import requests
from astropy.table import Table

from sedsql import connect

QUERY = "SELECT source_id, ra, dec, designation FROM gaiadr3.gaia_source ORDER BY source_id"


@pytest.fixture(scope="module")
def mirror(sky):
    with connect(sky) as con:
        yield con


def rows(table):
    return [tuple(value.item() if hasattr(value, "item") else value for value in row) for row in table]


def test_every_format_has_the_rows(url, mirror):
    expected = mirror.execute(QUERY).fetchmany(50)
    read = {
        "votable": lambda data: Table.read(data, format="votable"),
        "votable/td": lambda data: Table.read(data, format="votable"),
        "votable-binary": lambda data: Table.read(data, format="votable"),
        "csv": lambda data: Table.read(data, format="ascii.csv"),
        "tsv": lambda data: Table.read(data, format="ascii.tab"),
        "fits": lambda data: Table.read(data, format="fits"),
    }
    for name, reader in read.items():
        parameters = {"LANG": "ADQL", "QUERY": QUERY, "RESPONSEFORMAT": name, "MAXREC": "50"}
        answer = requests.get(f"{url}/sync", parameters, timeout=60)
        assert answer.status_code == 200, answer.text
        found = rows(reader(io.BytesIO(answer.content)))
        assert [(*row[:3], str(row[3]).strip()) for row in found] == expected, name
