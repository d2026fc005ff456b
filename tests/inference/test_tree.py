import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import sedsql
from sedsql.inference import answers
from sedsql.inference.card import Card
from sedsql.inference.model import Model
from sedsql.photometry import classes
from sedsql.photometry.bands import COLUMNS

PARENTS = {"gas": "fluid", "liquid": "fluid", "fluid": "matter", "solid": "matter"}
CLASSES = ("gas", "light", "liquid", "solid")


@pytest.fixture
def model(write_model, linear_graph):
    """Class probabilities are the softmax of G, BP, RP and J."""
    weights = np.zeros((10, 4))
    weights[:4] = np.eye(4)
    return Model.read(write_model(linear_graph(weights), classes=CLASSES, parents=PARENTS))


def test_paths_go_from_below_the_root_to_the_class():
    assert classes.path("gas", PARENTS) == ["matter", "fluid", "gas"]
    assert classes.path("light", PARENTS) == ["light"]
    assert classes.path("agb_carbon", classes.PARENTS) == ["evolved", "agb_carbon"]


def test_nodes_hold_the_classes_under_them():
    names, members = classes.nodes(CLASSES, PARENTS)
    under = {
        name: {c for c, holds in zip(CLASSES, row, strict=True) if holds}
        for name, row in zip(names, members, strict=True)
    }
    assert under == {
        "source": set(CLASSES),
        "matter": {"gas", "liquid", "solid"},
        "fluid": {"gas", "liquid"},
        **{name: {name} for name in CLASSES},
    }
    assert names[0] == "source"
    assert names.index("matter") < names.index("fluid") < names.index("gas")


def deepest_by_descent(p, least):
    """From the root downwards, to the child that still has the probability."""
    share = dict(zip(CLASSES, p, strict=True))
    share["fluid"] = share["gas"] + share["liquid"]
    share["matter"] = share["fluid"] + share["solid"]
    children = {"source": ["light", "matter"], "matter": ["fluid", "solid"], "fluid": ["gas", "liquid"]}
    node = "source"
    while reached := [child for child in children.get(node, []) if share[child] >= least]:
        (node,) = reached
    return node


@given(arrays(float, (5, 4), elements=st.floats(0.001, 1)), st.sampled_from([0.51, 0.7, 0.9, 0.99]))
def test_the_deepest_node_is_that_of_a_walk_down_the_tree(numbers, least):
    p = numbers / numbers.sum(axis=1, keepdims=True)
    card = Card(name="m", classes=tuple(CLASSES), parents=PARENTS, bands=COLUMNS, min_bands=1, sha256="")
    model = Model(None, "m", CLASSES, COLUMNS, (), 1, "", card)
    assert answers.deepest_nodes(model, p, least).to_pylist() == [deepest_by_descent(row, least) for row in p]


def rows(con, values, expression):
    columns = ", ".join(f"{value}::FLOAT AS {name}" for name, value in zip(COLUMNS, values, strict=True))
    return con.execute(f"SELECT {expression} FROM (SELECT {columns}) AS s").fetchone()[0]


def test_nodes_and_paths_in_sql(model):
    with duckdb.connect() as con:
        sedsql.register(con, models=[model.folder], default="mine-1")
        gas_or_liquid = [5, 0, 5, *[0] * 7]
        assert rows(con, gas_or_liquid, "sed_node(s, 0.9)") == "fluid"
        assert rows(con, gas_or_liquid, "sed_node(s, 0.9, 'mine-1')") == "fluid"
        assert rows(con, [9, *[0] * 9], "sed_node(s, 0.9)") == "gas"
        assert rows(con, [0] * 10, "sed_node(s, 0.6)") == "matter"
        assert rows(con, [0] * 10, "sed_node(s, 0.9)") == "source"
        assert rows(con, gas_or_liquid, "sed_predict(s).path") == ["matter", "fluid", "gas"]
        assert rows(con, [1, *["NULL"] * 9], "sed_node(s, 0.9)") is None
        assert rows(con, [9, *[0] * 9], "sed_node(s, NULL)") is None
        one_by_one = ", ".join(f"s.{name}" for name in COLUMNS)
        assert rows(con, gas_or_liquid, f"sed_node({one_by_one}, 0.9)") == "fluid"
        for wrong in (0.49, 0, 1.5):
            with pytest.raises(duckdb.Error, match=r"sed_node takes a probability from 0\.5 to 1"):
                rows(con, gas_or_liquid, f"sed_node(s, {wrong})")
        assert rows(con, gas_or_liquid, "sed_node(s, 0.9)") == "fluid"


def test_a_model_without_a_tree_has_classes_under_the_root(write_model, linear_graph):
    path = write_model(linear_graph(np.eye(10, 2) * 3), name="flat-1")
    with duckdb.connect() as con:
        sedsql.register(con, models=[path], default="flat-1")
        assert rows(con, [9, *[0] * 9], "sed_node(s, 0.9)") == "cold"
        assert rows(con, [0] * 10, "sed_node(s, 0.9)") == "source"
        assert rows(con, [0, 9, *[0] * 8], "sed_predict(s).path") == ["hot"]
