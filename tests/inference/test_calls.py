"""What a call takes of its row, and which model answers."""

import pytest
from sqlglot import exp

import sedsql
from sedsql.adql import AdqlError
from sedsql.adql.tree.nodes import call
from sedsql.adql.tree.value_types import ValueType
from sedsql.adql.writer import Writer
from sedsql.inference.answering import UNITS, Answering
from sedsql.inference.calls import CLASSIFIED, FUNCTIONS, functions
from sedsql.inference.card import EXTRA, PARALLAX
from sedsql.inference.model import find_models
from sedsql.inference.necessary_conditions import Bounds
from sedsql.photometry.bands import COLUMNS

TAKEN = {"shape-2": (), "luminosity-2": PARALLAX, "sky-1": EXTRA}
ALL = dict(UNITS)
PLACE = {"ra": "deg", "dec": "deg"}


def called(answering, name="sed_class"):
    return functions(Bounds({}, answering.default, {}), answering)[name]


@pytest.mark.parametrize(
    ("given", "row", "expected"),
    [
        ([], ALL, (EXTRA, "sky-1")),
        ([], ALL | {"x": None}, (EXTRA, "sky-1")),
        ([], dict.fromkeys(ALL), (EXTRA, "sky-1")),
        ([], PLACE, ((None, None, "ra", "dec"), "sky-1")),
        ([], PLACE | {"parallax": "mas"}, (("parallax", None, "ra", "dec"), "sky-1")),
        ([], PLACE | {"parallax_error": "mas"}, ((None, None, "ra", "dec"), "sky-1")),
        ([], {"ra": "deg"}, None),
        ([], {"parallax": "mas", "parallax_error": "mas"}, None),
        ([], PLACE | {"ra": "hourangle"}, None),
        (["sky-1"], ALL, (EXTRA, None)),
        (["sky-1"], ALL | {"parallax": "arcsec"}, ((None, None, "ra", "dec"), None)),
        (["sky-1"], {"parallax": "mas"}, (("parallax", None), None)),
        (["sky-1"], {}, None),
        (["luminosity-2"], ALL, (PARALLAX, None)),
        (["luminosity-2"], PLACE, None),
        (["shape-2"], ALL, None),
        (["no-such-1"], ALL, None),
        ([None], ALL, (EXTRA, None)),  # a column that names models
        (["a", "b"], ALL, None),
    ],
)
def test_what_a_row_has_is_taken(given, row, expected):
    assert called(Answering(TAKEN, sky="sky-1")).completed(given, row) == expected
    own = called(Answering(TAKEN, sky="sky-1"), "sed_proba").completed(["yso", *given], row)
    assert own == (expected if len(given) < 2 else None)


def test_explicit_inputs_stay():
    assert called(Answering(TAKEN, sky="sky-1")).completed([None, None, "luminosity-2"], ALL) is None
    assert called(Answering(TAKEN, sky="sky-1"), "sed_node").completed([None] * 4 + ["0.9", "sky-1"], ALL) is None


def test_the_default_answers_where_the_user_chose_it_or_there_is_no_other():
    models = find_models()
    chosen = Answering.of(models, "luminosity-2")
    assert (chosen.default, chosen.sky) == ("luminosity-2", "luminosity-2")
    assert called(chosen).completed([], ALL) == (PARALLAX, "luminosity-2")
    assert called(chosen).completed([], {}) is None
    without = Answering.of({name: model for name, model in models.items() if name != "sky-1"})
    assert (without.default, without.sky) == ("shape-2", "shape-2")
    assert called(without).completed([], ALL) is None
    assert called(without, "_class_model").constant(ALL) == "shape-2"
    with_it = Answering.of(models | {"sky-1": models["shape-2"]})
    assert (with_it.default, with_it.sky) == ("shape-2", "sky-1")
    assert called(with_it, "_class_model").constant(ALL) == "sky-1"
    assert called(with_it).constant(ALL) is None


def test_functions_that_ask_no_model_stay():
    assert called(Answering(TAKEN, sky="sky-1"), "sed_alpha").completed([], ALL) is None


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if function.from_answer])
@pytest.mark.parametrize("more", [(), ("s.parallax", "s.parallax_error"), tuple(f"s.{name}" for name in EXTRA)])
@pytest.mark.parametrize("row", [("s",), tuple(f"s.{name}" for name in COLUMNS)])
def test_all_parts_of_a_call_are_told_apart(name, more, row):
    function, write = FUNCTIONS[name], Writer().sql
    own = ["0.9e0"] * function.arguments

    def shared(*arguments):
        value, use = function.shared([exp.maybe_parse(argument, dialect="duckdb") for argument in arguments])
        return write(value), write(use(exp.column("answer")))

    arguments = [*row, *more, *own, "'m-1'"]
    assert len(arguments) in function.arity
    value, used = shared(*arguments)
    assert value == f"sed_answer({', '.join([*row, *more])}, 'm-1')"
    assert "answer" in used
    assert ("0.9" in used) == bool(own)
    assert len([*row, *own]) in function.arity
    assert shared(*row, *own)[0] == f"sed_answer({', '.join(row)}, NULL)"


def test_arguments_that_are_shared_stay_in_their_place():
    """Copies go into the trees that a function gives: a tree of sqlglot has one parent."""
    label = exp.Literal.string("yso")
    node = call("sed_proba", [exp.column("s"), label], model=FUNCTIONS["sed_proba"])
    _, use = FUNCTIONS["sed_proba"].shared(node.arguments)
    use(exp.column("answer"))
    assert label.parent is node


YIELDS = {"VARCHAR": ValueType.STRING, "DOUBLE": ValueType.REAL, "FLOAT": ValueType.REAL}
OWN = {"sed_proba": ", 'yso'", "sed_node": ", 0.5", "sed_set": ", 0.9"}


@pytest.fixture(scope="module")
def con(small_mirror):
    with sedsql.connect(small_mirror) as con:
        yield con


def _typeof(con, query):
    sql = con.translate(query, [])
    kind = con.sql(f"SELECT typeof(v) FROM ({sql}) LIMIT 1").fetchone()[0]
    return ValueType.LIST if kind.endswith("]") else ValueType.RECORD if kind.startswith("STRUCT") else YIELDS[kind]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_yields_what_it_says(con, name):
    """Operators are checked and written by it."""
    row = f"s{OWN.get(name, '')}"
    if name == "sed_predict_errors":
        row = ", ".join([*(f"s.{band}" for band in COLUMNS), *["0.1"] * len(COLUMNS)])
    assert _typeof(con, f"SELECT {name}({row}) AS v FROM sed.photometry AS s") is FUNCTIONS[name].value_type


@pytest.mark.parametrize("name", sorted(CLASSIFIED))
def test_every_column_of_a_model_yields_what_its_function_says(con, name):
    assert _typeof(con, f"SELECT {name[1:]} AS v FROM sed.classified") is CLASSIFIED[name].value_type


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ("sed_predict(s) > 1", "sed_predict"),
        ("sed_set(s, 0.9) = 'yso'", "sed_set"),
        ("ABS(sed_points(s)) > 1", "ABS"),
        ("sed_explain(s) IN (1)", "sed_explain"),
    ],
)
def test_a_record_is_no_operand(con, condition, place):
    query = f"SELECT s.ra FROM sed.photometry AS s WHERE {condition}"
    with pytest.raises(AdqlError) as caught:
        con.execute(query)
    assert caught.value.column == query.index(place) + 1
    assert "STRUCT" not in str(caught.value)


def test_a_list_is_an_argument_of_functions_of_arrays(con):
    sizes = con.execute("SELECT DISTINCT ARRAY_LENGTH(sed_set(s, 0.9)) AS n FROM sed.photometry AS s").fetchall()
    assert all(size is None or size >= 0 for (size,) in sizes)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_wrong_number_of_arguments_is_told_alike(con, name):
    """By ADQL with a place, and by DuckDB's SQL, whose macros have an overload for each number."""

    arity = FUNCTIONS[name].arity
    for number in set(range(max(arity) + 2)).difference(arity):
        call = f"{name}({', '.join(['1'] * number)})"
        with pytest.raises(AdqlError) as by_adql:
            con.translate(f"SELECT {call} AS v FROM sed.photometry AS s", [])
        sentence, _, place = str(by_adql.value).partition(" (line 1, column 8)")
        assert place
        assert sentence.startswith(f"{name} takes a row, as {name}(s{OWN.get(name, '')})")
        assert f"; {number or 'no'} argument" in sentence
        with pytest.raises(sedsql.Error) as by_sql:
            con.sql(f"SELECT {call} AS v").fetchall()
        if name in ("sed_points", "sed_alpha", "sed_stage"):  # users edit their macros; DuckDB lists what these take
            assert "shape-2" not in sentence
            assert "Candidate macros" in str(by_sql.value)
        else:
            assert str(by_sql.value) == sentence
