"""Where tables, rules or models change, queries answer as if no photometry and classes were stored, until they are."""

import json
import shutil

import pytest

import sedsql
from sedsql.files.resources import folder
from sedsql.inference.model import find_models
from sedsql.mirror.database import open_mirror
from sedsql.mirror.ingest import import_files
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.rules import switch
from sedsql.mirror.sample import write_sample
from sedsql.mirror.stored import joined
from sedsql.mirror.stored.classes import are_right
from sedsql.mirror.stored.classify import classify
from sedsql.mirror.stored.refresh import refresh

GAIA, MATCHES = "gaiadr3.gaia_source", "gaiadr3.allwise_best_neighbour"
CLASSES = "SELECT source_id, sed_class(s) AS c, s.w1mpro FROM sed.photometry AS s ORDER BY source_id"
FRESH = "SELECT source_id, sed_class(s) AS c, s.w1mpro FROM sed.photometry_joined AS s ORDER BY source_id"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A mirror with classes by sky-1; not to be changed."""
    made = tmp_path_factory.mktemp("stale") / "m"
    write_sample(made, 300, seed=6, rich=True)
    with Mirror.change(made) as held:
        classify(held, find_models()["sky-1"])
    return made


def _rows(mirror, path, sql):
    with open_mirror(mirror) as con:
        con.execute(f"COPY ({sql}) TO '{path}'")
    return path


def switch_a_rule(mirror, work):
    with Mirror.change(mirror) as held, held.edit_database() as con:
        switch(con, "mates", False)


def replace_a_table(mirror, work):
    less = _rows(mirror, work / "less.parquet", f"FROM {MATCHES} WHERE allwise_oid % 3 <> 0")
    import_files(mirror, [less], MATCHES, replace=True, stores=False)


def add_rows(mirror, work):
    """One source more, which has no matches, with the stored photometry renewed between: an import adds to imports."""
    import_files(mirror, [_rows(mirror, work / "all.parquet", f"FROM {GAIA}")], GAIA, replace=True)
    with Mirror.change(mirror) as held:
        classify(held, find_models()["sky-1"])
    more = f"SELECT * REPLACE (source_id + 12345 AS source_id) FROM {GAIA} ORDER BY source_id LIMIT 1"
    import_files(mirror, [_rows(mirror, work / "more.parquet", more)], GAIA, stores=False)


def take_a_table_away_and_back(mirror, work):
    path = _rows(mirror, work / "all.parquet", f"FROM {MATCHES}")
    with Mirror.change(mirror) as held:
        del held.tables[MATCHES]
        held.save()
    import_files(mirror, [path], MATCHES, stores=False)


CHANGES = [switch_a_rule, replace_a_table, add_rows]


def answers(mirror, **given):
    """What a new connection answers, and whether it reads stored classes."""
    with sedsql.connect(mirror, **given) as con:
        found, fresh = con.execute(CLASSES).arrow(), con.execute(FRESH).arrow()
        assert found.equals(fresh)
        return found, "manifest.classes_" in con.translate(CLASSES)


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_stale_is_not_read(made, tmp_path, change):
    mirror = tmp_path / "m"
    shutil.copytree(made, mirror)
    before, reads = answers(mirror)
    assert reads
    change(mirror, tmp_path)
    stale, reads = answers(mirror)
    assert not reads
    assert not stale.equals(before)
    with open_mirror(mirror) as con:
        assert not joined.is_stored(con)
    with Mirror.change(mirror) as held:
        assert 0 < refresh(held) <= stale.num_rows
        assert not are_right(held.tables)
    between, reads = answers(mirror)
    assert (between.equals(stale), reads) == (True, False)
    with Mirror.change(mirror) as held:
        assert 0 < classify(held, find_models()["sky-1"]) <= stale.num_rows
    renewed, reads = answers(mirror)
    assert (renewed.equals(stale), reads) == (True, True)


def test_a_table_that_went_and_came_back_is_joined_again(made, tmp_path):
    mirror = tmp_path / "m"
    shutil.copytree(made, mirror)
    before, _ = answers(mirror)
    take_a_table_away_and_back(mirror, tmp_path)
    with Mirror.change(mirror) as held:
        assert refresh(held) == classify(held, find_models()["sky-1"]) == before.num_rows
    assert answers(mirror)[0].equals(before)


def test_classes_of_an_edited_card_are_asked_and_stored_anew(made, tmp_path):
    mirror, models = tmp_path / "m", tmp_path / "models"
    shutil.copytree(made, mirror)
    shutil.copytree(folder("models") / "sky-1", models / "sky-1")
    card = models / "sky-1" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"min_bands": 6}))
    before, _ = answers(mirror)
    edited, reads = answers(mirror, models=[models])
    assert not reads
    assert edited["c"].null_count > before["c"].null_count
    with Mirror.change(mirror) as held:
        assert classify(held, find_models([models])["sky-1"]) == before.num_rows
    renewed, reads = answers(mirror, models=[models])
    assert (renewed.equals(edited), reads) == (True, True)
    shipped, reads = answers(mirror)
    assert (shipped.equals(before), reads) == (True, False)
