"""Some queries that a grammar makes up, asked with every rewrite and without, and of every engine.

`make generated QUERIES=100000` asks more, and tells of each difference the seed and the smallest query that has it;
`make generated QUERIES=1 SEED=17` asks that of a seed again.
"""

from collections import Counter
from contextlib import suppress

import pytest
from sqlglot import exp

from sedsql.adql import AdqlError
from sedsql.adql.optimizer import region_ranges, rules
from sedsql.adql.tree.notes import notes

from .generated.answers import Answer, difference
from .generated.choices import Choices, shrunk
from .generated.queries import Query
from .generated.run import FASTEST, answered, miscounted, run, worlds

BLOCK = 100


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    return worlds(tmp_path_factory.mktemp("generated"))


def described(report):
    return "\n".join(f"seed {one.seed}: {one.what} ({one.ways}): {one.query.text}" for one in report.differences)


@pytest.mark.parametrize("first", range(0, 6 * BLOCK, BLOCK))
def test_all_ways_to_ask_give_one_answer(every, first):
    report = run(every, first, BLOCK)
    assert not report.differences, described(report)
    assert report.with_rows >= BLOCK / 2
    assert report.counted >= BLOCK / 10
    assert report.stopped <= 1


SAID = {"views": "is read without", "stored": "as they are stored", "ranges": "region around", "joins": "equal cells",
        "bounds": "before a model", "models": "models are asked", "a class first": "is asked first",
        "top": "is among the first"}  # fmt: skip


@pytest.mark.skipif(FASTEST != "native", reason="no C extension")
def test_every_rewrite_is_made(every):
    said = Counter()
    for seed in range(8 * BLOCK):
        world, explain = every[seed % 2], []
        query = world.query(Choices(seed))
        with suppress(AdqlError):
            world.fast.connection.translation(query.text, query.parameters, explain)
        said.update(name for name, words in SAID.items() if any(words in line for line in explain))
    assert min(said[name] for name in SAID) >= 3, said
    assert said["ranges"] >= 20, said


def narrow(select, write, explain):
    """A rewrite that is wrong: regions lose what lies beyond the last whole degree of declination."""
    where = select.args.get("where")
    region_ranges.regions_to_ranges(select, write, explain)
    if where and notes(select).region:
        column = next(where.find_all(exp.Between)).this.copy()
        where.set("this", exp.And(this=exp.GT(this=column, expression=exp.Literal.number(-30)), expression=where.this))


@pytest.mark.thorough
def test_a_rewrite_that_loses_rows_is_found_and_made_small(every, monkeypatch):
    monkeypatch.setitem(rules.REWRITES, "ranges", narrow)
    report = run(every, 0, 2 * BLOCK, shrink=4, most=1)
    (found,) = (one for one in report.differences if one.what == "numbers of rows")
    world = every[found.seed % 8 == 1]
    assert len(found.query.text) < len(world.query(Choices(found.seed)).text)
    assert next(iter(answered(world, found.query, 0)))[3] == "numbers of rows"
    assert any(list(miscounted(every[0], seed)) for seed in range(BLOCK))


def test_a_seed_draws_one_query(every):
    texts = [[world.query(Choices(seed)).text for seed in range(50)] for world in (every[0], every[0])]
    assert texts[0] == texts[1]
    assert len(set(texts[0])) > 45


def test_choices_shrink_to_what_fails():
    def fails(made):
        choices = Choices(given=made)
        return sum(choices.below(10) > 6 for _ in range(5)) >= 2

    made = [3, 9, 1, 8, 7, 5]
    assert fails(made)
    small = shrunk(made, fails)
    assert fails(small)
    assert len([one for one in small if one]) == 2


PLAIN = Query("SELECT x FROM t", "SELECT x FROM t", [], [], set())
NUMBER = (("x", "DOUBLE"),)


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        (Answer(NUMBER, ((1.0,), (float("nan"),))), Answer(NUMBER, ((float("nan"),), (1.0,))), ""),
        (Answer(NUMBER, ((0.0,),)), Answer(NUMBER, ((-0.0,),)), ""),
        (Answer(NUMBER, ((1.0,), (1.0,))), Answer(NUMBER, ((1.0,), (2.0,))), "rows"),
        (Answer(NUMBER, ((1.0,),)), Answer(NUMBER, ((1.0 + 1e-15,),)), "rows"),
        (Answer(NUMBER, ((None,),)), Answer(NUMBER, ((float("nan"),),)), "rows"),
        (Answer(NUMBER, ((1.0,),)), Answer((("X", "DOUBLE"),), ((1.0,),)), "names of columns"),
        (Answer(NUMBER, ((1.0,),)), Answer((("x", "FLOAT"),), ((1.0,),)), "types of columns"),
        (Answer(NUMBER, ((1.0,),)), Answer(NUMBER, ()), "numbers of rows"),
        (Answer(NUMBER, (([1.0],),)), Answer(NUMBER, (([2.0],),)), "rows"),
        (Answer(error=KeyError("alias")), Answer(error=KeyError("alias")), "an error that is no sentence: KeyError"),
    ],
)
def test_what_differs_is_told(one, other, what):
    assert difference(PLAIN, one, other, whole=lambda: other) == what


def test_of_the_first_rows_it_counts_that_they_are_rows_and_in_order():
    query = Query("SELECT TOP 2 x FROM t ORDER BY x", "SELECT x FROM t ORDER BY x", [], [0], set())
    columns = (("x", "INTEGER"), ("y", "INTEGER"))
    whole = Answer(columns, ((1, 1), (2, 1), (2, 2), (3, 1)))

    def told(*rows):
        return difference(query, Answer(columns, rows), Answer(columns, ((1, 1), (2, 1))), whole=lambda: whole)

    assert told((1, 1), (2, 2)) == ""
    assert told((1, 1), (3, 1)) == "order of rows"
    assert told((1, 1), (2, 5)) == "rows that are none of the whole answer"


def test_what_amplifies_the_difference_of_an_outlier_is_not_compared():
    def told(text, one, other, engines=True):
        query = Query(text, text, [], [], {"models"})
        columns = (("c", "VARCHAR"), ("x", "DOUBLE"))
        answers = (Answer(columns, (("a", number),)) for number in (one, other))
        return difference(query, *answers, engines=engines, whole=lambda: Answer())

    assert told("SELECT s.class, COT(s.outlier) FROM sed.classified AS s", 31.49, 31.39) == ""
    assert told("SELECT s.class, s.ra / q.outlier FROM sed.classified AS s", 31.49, 31.39) == ""
    assert told("SELECT s.class, COT(s.outlier) FROM sed.classified AS s", 31.49, 31.39, engines=False) == "rows"
    assert told("SELECT s.class, s.outlier FROM sed.classified AS s", 0.5, 0.5003) == ""
    assert told("SELECT s.class, s.outlier FROM sed.classified AS s", 0.5, 0.51) == "rows"
    assert told("SELECT s.class, COT(s.class_probability) FROM t AS s", 31.49, 31.39) == "rows"
    as_text = "SELECT s.class, CAST(s.class_probability AS VARCHAR) FROM t AS s"
    assert told(as_text, "0.7679631740213466", "0.7679631733744863") == ""
    assert told(as_text, "0.76", "0.77") == "rows"
    assert told(as_text, "0.7679631740213466", "0.7679631733744863", engines=False) == "rows"
