"""The view sed.photometry is compared with the Parquet files, read and joined by pyarrow and numpy alone."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from sedsql import connect
from sedsql.mirror.database import open_mirror
from sedsql.mirror.rules import RULES, RuleError, switch

TMASS, ALLWISE, ASTROMETRY = ("j", "h", "ks"), ("w1", "w2", "w3", "w4"), ("parallax", "parallax_error", "pmra", "pmdec")
VALUE = {b: f"{b}_m" for b in TMASS} | {b: f"{b}mpro" for b in ALLWISE}
ERROR = {b: f"{b}_msigcom" for b in TMASS} | {b: f"{b}mpro_error" for b in ALLWISE}
COLUMNS = [*VALUE.values(), *ERROR.values(), *ASTROMETRY]


def table(sky, name):
    return ds.dataset(sorted((sky / name.replace(".", "/")).rglob("*.parquet"))).to_table()


def rows_of(keys, wanted):
    """The row of each wanted key, or NULL."""
    return pc.index_in(wanted, value_set=pc.cast(keys, wanted.type))


@pytest.fixture(scope="module")
def raw(sample_sky):
    """The join of the tables, a row a Gaia source in order of source_id, with flags and no rule."""
    gaia = table(sample_sky, "gaiadr3.gaia_source").sort_by("source_id")
    columns = {name: gaia[name] for name in ("source_id", "ruwe", *ASTROMETRY)}
    for survey, match, bands in (("tmass", "tmass_psc_xsc", TMASS), ("allwise", "allwise", ALLWISE)):
        matches = table(sample_sky, f"gaiadr3.{match}_best_neighbour")
        sources = table(sample_sky, f"gaiadr1.{survey}_original_valid")
        matches = matches.take(rows_of(matches["source_id"], gaia["source_id"]))
        # By the name that the match gives, not by the numbers that the view goes by.
        sources = sources.take(rows_of(sources["designation"], matches["original_ext_source_id"]))
        columns[f"{survey}_mates"] = matches["number_of_mates"]
        flags = ("ph_qual", *(("cc_flags", "ext_flag") if survey == "allwise" else ()))
        columns |= {f"{survey}_{flag}": sources[flag] for flag in flags}
        columns |= {name: sources[name] for band in bands for name in (VALUE[band], ERROR[band])}
    return pa.table(columns)


def refused(raw, rule):
    """Where a rule drops the value of each column that it can drop, worked out in numpy."""

    def letters(column):
        return np.array([text or "" for text in raw[column].to_pylist()], dtype="U4").view("U1").reshape(-1, 4)

    def numbers(column):
        return raw[column].fill_null(0).to_numpy()

    drops = {}
    if rule == "ruwe":
        return dict.fromkeys(ASTROMETRY, numbers("ruwe") > np.float32(1.4))
    for survey, bands in (("tmass", TMASS), ("allwise", ALLWISE)):
        for k, band in enumerate(bands):
            if rule == f"{survey}_ph_qual":
                drop = np.isin(letters(f"{survey}_ph_qual")[:, k], list("UXEFZD" if survey == "allwise" else "UXEFZ"))
            elif rule == "has_error":
                drop = raw[ERROR[band]].is_null().to_numpy()
            elif rule == "mates":
                drop = numbers(f"{survey}_mates") > 0
            elif rule == "cc_flags" and survey == "allwise":
                drop = np.char.isupper(letters("allwise_cc_flags")[:, k])
            elif rule == "ext_flag" and survey == "allwise":
                drop = np.isin(numbers("allwise_ext_flag"), [2, 3, 4, 5])
            else:
                continue
            drops[VALUE[band]] = drops[ERROR[band]] = drop
    return drops


def expected(raw, rules):
    """The columns with these rules applied."""
    columns = {name: raw[name] for name in COLUMNS}
    for rule in rules:
        for name, drop in refused(raw, rule).items():
            columns[name] = pc.if_else(pa.array(drop), None, columns[name])
    return columns


@pytest.fixture(scope="module")
def own_sky(sample_sky, tmp_path_factory):
    """A mirror whose rules may be switched."""
    path = tmp_path_factory.mktemp("rules") / "sky"
    shutil.copytree(sample_sky, path)
    return path


@pytest.fixture
def writable(own_sky):
    with open_mirror(own_sky, read_only=False) as con:
        yield con
        for rule in RULES:
            switch(con, rule, True)


def apply(con, rules):
    for rule in RULES:
        switch(con, rule, rule in rules)


def seen(con):
    return con.sql(f"SELECT source_id, {', '.join(COLUMNS)} FROM sed.photometry ORDER BY source_id").to_arrow_table()


def assert_same(found, columns):
    for name, values in columns.items():
        assert found[name].combine_chunks().equals(pa.chunked_array(values).combine_chunks()), name


@pytest.mark.parametrize(
    "rules",
    [
        (),
        *((rule,) for rule in RULES),
        *(tuple(other for other in RULES if other != rule) for rule in RULES),
        tuple(RULES),
    ],
    ids=lambda rules: "+".join(rules) if len(rules) < 2 else f"all but {','.join(set(RULES) - set(rules)) or 'none'}",
)
def test_the_view_drops_what_numpy_drops_from_the_files(raw, writable, rules):
    apply(writable, rules)
    found = seen(writable)
    assert found["source_id"].combine_chunks().equals(raw["source_id"].combine_chunks())
    assert_same(found, expected(raw, rules))
    applied = dict(writable.execute("SELECT rule, applied FROM sed.rules").fetchall())
    assert applied == {rule: rule in rules for rule in RULES}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_something_to_refuse_in_each_of_its_columns(raw, rule):
    drops = refused(raw, rule)
    # What AllWISE lists is nearly always seen in W1, and so has an error.
    rare = {"w1mpro", "w1mpro_error"} if rule in ("has_error", "allwise_ph_qual") else set()
    values = {name for name in drops if name not in ERROR.values()}
    for name in values - rare:
        there = raw[name].is_valid().to_numpy()
        assert (there & drops[name]).sum() > 10, name
        assert (there & ~drops[name]).sum() > 10, name


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in ("has_error", "allwise_ph_qual")])
def test_no_rule_is_covered_by_the_others(raw, rule):
    """But for AllWISE's limits, which have both a flag and no error."""
    with_all = expected(raw, RULES)
    without = expected(raw, [other for other in RULES if other != rule])
    assert sum(values.null_count for values in with_all.values()) > sum(v.null_count for v in without.values()) + 20


def test_a_mirror_is_written_with_all_rules_on(con):
    assert con.execute("SELECT rule, about, source FROM sed.rules WHERE applied").fetchall() == [
        (rule.name, rule.about, rule.source) for rule in RULES.values()
    ]


def test_missing_flags_drop_nothing(con):
    """A rule refuses what a flag says, and not that there is no flag."""
    for rule in ("tmass_ph_qual", "allwise_ph_qual", "cc_flags", "ext_flag", "mates", "ruwe"):
        assert con.execute(f"SELECT sed.{rule}(NULL)").fetchone() == (True,), rule


@pytest.mark.parametrize(
    ("rule", "kept", "dropped"),
    [
        ("tmass_ph_qual", "ABCD", "EFUX"),
        ("allwise_ph_qual", "ABC", "UXZ"),
        ("cc_flags", "0dpho", "DPHO"),
        ("ext_flag", [0, 1], [2, 3, 4, 5]),
        ("mates", [0], [1, 2]),
        ("ruwe", [0.9, 1.4], [1.41, 30]),
        ("has_error", [0.02], []),
    ],
)
def test_where_a_rule_draws_the_line(con, rule, kept, dropped):
    for value, answer in [(v, True) for v in kept] + [(v, False) for v in dropped]:
        literal = f"{value!r}::FLOAT" if isinstance(value, float) else repr(value)
        assert con.execute(f"SELECT sed.{rule}({literal})").fetchone() == (answer,), value


def test_the_rules_hold_however_the_mirror_is_opened(raw, own_sky):
    with open_mirror(own_sky, read_only=False) as con:
        switch(con, "mates", False)
    wanted = sum(values.null_count for values in expected(raw, set(RULES) - {"mates"}).values())
    nulls = f"SELECT {' + '.join(f'count(*) - count({name})' for name in COLUMNS)} AS n FROM sed.photometry"

    with connect(own_sky) as con:
        assert con.execute(nulls, lang="sql").fetchone() == (wanted,)
        assert con.execute("SELECT rule FROM sed.rules WHERE applied = FALSE", lang="sql").fetchall() == [("mates",)]
        con.duckdb.execute("CREATE MACRO memory.sed.mates(n) AS false; USE memory")
        assert con.duckdb.execute(nulls.replace("sed.photometry", "mirror.sed.photometry")).fetchone() == (wanted,)
    with duckdb.connect() as con:
        con.execute(f"SET file_search_path = '{own_sky}'")
        con.execute(f"ATTACH '{own_sky / 'mirror.duckdb'}' AS other (READ_ONLY)")
        assert con.execute(nulls.replace("sed.photometry", "other.sed.photometry")).fetchone() == (wanted,)
    shell = Path(sys.executable).parent / "duckdb"
    if shell.exists():
        command = [shell, "-readonly", "-csv", "-noheader", "mirror.duckdb", nulls]
        done = subprocess.run(command, cwd=own_sky, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str(wanted)
    with open_mirror(own_sky, read_only=False) as con:
        switch(con, "mates", True)


def test_adql_reads_the_list_of_rules(sample_sky):
    with connect(sample_sky) as con:
        found = con.execute("SELECT rule, source FROM sed.rules WHERE rule = 'ruwe'").fetchall()
    assert found == [("ruwe", RULES["ruwe"].source)]


def test_a_rule_that_does_not_exist(writable):
    with pytest.raises(RuleError, match=r"there is no rule 'cc_flag'; did you mean cc_flags or ext_flag\?"):
        switch(writable, "cc_flag", False)
    with pytest.raises(RuleError, match=r"did you mean tmass_ph_qual, allwise_ph_qual, .* mates or ruwe"):
        switch(writable, "zzzzz", False)


def test_a_mirror_without_rules():
    with duckdb.connect() as con, pytest.raises(RuleError, match="written before there were rules; write it again"):
        switch(con, "mates", False)


def test_the_documentation_lists_the_rules():
    text = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", text, re.MULTILINE)
    assert rows == [(rule.name, rule.about, rule.source) for rule in RULES.values()]
