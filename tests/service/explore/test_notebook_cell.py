"""The cells that the page gives run, and make the same table."""

import ast

import numpy as np
import pytest

import sedsql
from sedsql.service.explore.explorer.notebook import cell

QUERIES = [
    "SELECT TOP 5 source_id, ra FROM gaiadr3.gaia_source ORDER BY source_id",
    "SELECT source_id,\n  dec -- degrees\nFROM gaiadr3.gaia_source\nWHERE designation LIKE 'Gaia\\_%' AND dec > 0",
    'SELECT ra AS "a""""""b" FROM gaiadr3.gaia_source WHERE \'"""\' <> \'\\\' AND ra < 100',
    "SELECT 'µ\"' AS x, ra\tFROM gaiadr3.gaia_source WHERE ra < 20\r\n",
]


@pytest.mark.parametrize("query", QUERIES)
def test_a_cell_makes_the_table(sky, query):
    with sedsql.connect(sky) as con:
        expected = con.execute(query).table()
    names = {}
    exec(compile(cell(query, mirror=sky), "cell", "exec"), names)
    names["con"].close()
    assert names["table"].colnames == expected.colnames
    for name in expected.colnames:
        assert np.array_equal(np.sort(names["table"][name]), np.sort(expected[name]))
        assert names["table"][name].unit == expected[name].unit


@pytest.mark.parametrize("query", QUERIES)
def test_a_cell_for_a_service_asks_it_for_the_query(query):
    tree = ast.parse(cell(query, url="https://gaia.example/tap"))
    texts = {node.value.strip() for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert texts == {"https://gaia.example/tap", query.strip()}
