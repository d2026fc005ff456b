"""The functions that public TAP services declare: each works, or is refused by name with a reason."""

import json
import re
from pathlib import Path

import duckdb
import pytest

from sedsql.adql import AdqlError, translate
from sedsql.adql.functions import registry

from .conftest import SHARED

DEPLOYED = SHARED / "udf_deployed_2023.json"
ROWS = json.loads(DEPLOYED.read_text()) if DEPLOYED.exists() else []
PAGE = Path(__file__).resolve().parents[2] / "docs" / "adql.md"
VALUES = {
    "n": "x",
    "i": "i",
    "l": "v",
    "s": "t",
    "g": "POINT(1, 2)",
    "p": "POINT(1, 2)",
    "t": "'2020-01-01'",
    "a": "x",
    "b": "x > 1",
}
# What only some values mean.
CALLS = {
    "ivo_geom_transform": "'ICRS', 'GALACTIC', POINT(1, 2)",
    "ivo_string_agg": "t, ','",
    "string_agg": "t, ','",
    "gavo_specconv": "x, 'nm', 'J'",
    "gavo_transform": "'ICRS', 'GALACTIC', POINT(1, 2)",
    "ivo_to_jd": "'2020-01-01'",
    "healpix": "x, x, 3",
    "ivo_healpix_center": "3, 4",
    "gaia_healpix_index": "3, i",
    "ivo_hms_to_degrees": "'1:2:3'",
    "ivo_dms_to_degrees": "'1:2:3'",
    "cefca_hms_to_degrees": "'1:2:3'",
    "cefca_dms_to_degrees": "'1:2:3'",
    "esdc_gaia_healpix_index": "3, i",
    "ivo_histogram": "x, 0, 3, 3",
    "width_bucket": "x, 0, 3, 3",
    "gavo_histogram": "x, 0, 3, 3",
    "esdc_to_boolean": "1",
}  # fmt: skip
ARRAYS = re.compile("arr|cardinality")


@pytest.fixture(scope="module")
def con():
    connection = duckdb.connect()
    connection.execute("CREATE TABLE one AS SELECT 2.5e0 AS x, 7::BIGINT AS i, 'a b' AS t, [1e0, 2, 3] AS v")
    return connection


def call(name, form):
    name = name.lower()
    if name in CALLS:
        return f"{name}({CALLS[name]})"
    values = [VALUES[letter] for letter in form]
    if name.endswith("to_char") and len(form) == 2:
        return f"{name}(x, '99.9')"
    if name == "esdc_trim" and len(form) == 2:
        return "esdc_trim('BOTH', t)"
    if ARRAYS.search(name) and name != "array_agg":
        values = ["v" if letter in "al" else "1" for letter in form]
        if name == "arr_in":
            values = ["1.0", "v"]
        elif name.endswith("array_position"):
            values = ["v", "1.0"]
        elif form == "lnn":
            return None  # two dimensions; see test_arrays
    return f"{name}({', '.join(values)})"


@pytest.mark.parametrize("name", sorted(registry.USER_DEFINED))
def test_every_form_of_every_function_runs(con, name):
    function = registry.USER_DEFINED[name]
    for form in function.forms:
        if (text := call(name, form)) is not None:
            con.execute(translate(f"SELECT {text} AS y FROM one")).fetchall()


YIELDS = {
    **{letter: {"DOUBLE[]"} for letter in "PCBYG"},
    "i": {"INTEGER", "BIGINT", "SMALLINT", "TINYINT", "HUGEINT"},
    "r": {"DOUBLE", "FLOAT"},
    "s": {"VARCHAR"},
    "b": {"BOOLEAN"},
    "t": {"TIMESTAMP"},
}


@pytest.mark.parametrize("name", sorted(registry.USER_DEFINED))
def test_every_function_yields_what_its_table_says(con, name):
    """Division depends on it: of two whole numbers it is a whole one."""
    function = registry.USER_DEFINED[name]
    for form in function.forms:
        text = call(name, form)
        if text is not None and function.yields in YIELDS:
            sql = translate(f"SELECT {text} AS y FROM one")
            assert con.execute(f"SELECT typeof(y) FROM ({sql})").fetchone()[0] in YIELDS[function.yields]


@pytest.mark.skipif(not ROWS, reason=f"needs {DEPLOYED}")
def test_what_services_declare_is_there_or_refused_with_a_reason():
    for row in ROWS:
        name = row["name"].upper()
        if registry.find(name):
            continue
        with pytest.raises(AdqlError, match=f"sedsql does not support {name}: \\w"):
            translate(f"SELECT {name}(1) FROM t")


@pytest.mark.skipif(not ROWS, reason=f"needs {DEPLOYED}")
def test_what_services_declare_takes_as_many_arguments():
    """But for LOG(b, x), which ADQL has with one argument, and for signatures that the services garble."""
    garbled = {"gavo_histogram(val REAL)", "gavo_transform(from_sys VARCHAR, to_sys VARCHAR, lower"}
    optional = ("VARBINARY", "healpix(ra DOUBLE, dec DOUBLE) ", "gavo_specconv(expr DOUBLE", "expr_unit TEXT dest_unit")
    for row in ROWS:
        function = registry.find(row["name"].upper())
        signature = row["signature"]
        inside = signature[signature.index("(") + 1 : signature.index(")")]
        if function is None or signature.startswith(("log(", *garbled)) or any(w in signature for w in optional):
            continue
        size = len(inside.split(",")) if inside.strip() else 0
        if row["name"] in ("to_char", "esdc_array_element"):
            size = 2
        forms = function.more(size) if function.more else function.forms
        assert size in {len(form) for form in forms}, signature


def test_the_page_lists_what_there_is():
    section = PAGE.read_text().split("## User-defined functions")[1].split("\n## ")[0]
    there, refused = section.split("Refused by name")
    assert set(re.findall(r"`([A-Za-z_0-9]+)`", there)) == {name.lower() for name in registry.USER_DEFINED}
    assert set(re.findall(r"^\| `([a-z_0-9]+)`", refused, re.MULTILINE)) == {n.lower() for n in registry.REFUSED}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("ARRAY_NDIMS(v)", 1), ("ARRAY_NDIMS(m)", 2), ("ARRAY_NDIMS(e)", None), ("ARRAY_DIMS(v)", "[1:3]"),
        ("ARRAY_DIMS(m)", "[1:2][1:3]"), ("ARRAY_LENGTH(m, 2)", 3), ("ARRAY_LENGTH(v, 2)", None),
        ("ARRAY_LENGTH(e, 1)", None), ("ARRAY_ELEMENT(m, 2, 3)", 6), ("ARRAY_ELEMENT(v, 4)", None),
        ("ARRAY_CAT(v, v)", [1, 2, 3, 1, 2, 3]), ("ARRAY_POSITION(v, 2)", 2), ("ARRAY_POSITION(v, 9)", None),
        ("CARDINALITY(m)", 6), ("CARDINALITY(e)", 0), ("ARR_DOT(v, v)", 14), ("ARR_STDDEV(v)", 1),
        # The manual of PostgreSQL 15, table 9.31, and what it answers.
        ("TO_CHAR(-0.1, '99.99')", "  -.10"), ("TO_CHAR(-0.1, 'FM9.99')", "-.1"), ("TO_CHAR(0.1, '0.9')", " 0.1"),
        ("TO_CHAR(12, '9990999.9')", "    0012.0"), ("TO_CHAR(12, 'FM9990999.9')", "0012."),
        ("TO_CHAR(485, '999')", " 485"), ("TO_CHAR(-485, '999')", "-485"),
        ("TO_CHAR(148.5, '999.999')", " 148.500"), ("TO_CHAR(148.5, 'FM999.999')", "148.5"),
        ("TO_CHAR(148.5, 'FM999.990')", "148.500"), ("TO_CHAR(4850, '999')", " ###"),
        ("TO_CHAR(-12.3, '000.0')", "-012.3"), ("TO_CHAR(d, 'YYYY-MM-DD HH24:MI:SS')", "2024-03-05 17:08:09"),
        ("TO_CHAR(d, 'DDD')", "065"), ("ESDC_TO_CHAR(7)", "7"), ("ESDC_TRIM('LEADING', ' a ')", "a "),
        ("INITCAP('hi THOMAS')", "Hi Thomas"), ("ESDC_POSITION('om', 'Thomas')", 3),
        ("ESDC_TRANSLATE('12345', '143', 'ax')", "a2x5"), ("RPAD('hi', 5, 'xy')", "hixyx"),
        ("GAVO_SPECCONV(656, 'nm', 'm')", 6.56e-7), ("GAVO_SPECCONV(1, 'eV', 'nm')", 1239.841984),
        ("GAVO_MATCH('^a', 'ab')", 1), ("CEFCA_MAGABTOFNUFLUX(-48.6)", 1e30), ("CEFCA_FNUFLUXTOMAGAB(-1)", -99),
        ("CEFCA_FNUFLUXTOJANSKY(1e7)", 1), ("GAVO_APPLY_PM(10, 0, 0, 1, 45)", [10, 38.1460]),
        ("GAVO_GETAUTHORITY('ivo://org.gavo.dc/a/b')", "org.gavo.dc"),
    ],
)  # fmt: skip
def test_values(expression, expected):
    con = duckdb.connect()
    con.execute("CREATE TABLE t AS SELECT [1e0, 2, 3] AS v, [[1, 2, 3], [4, 5, 6]] AS m, []::DOUBLE[] AS e,"
                " TIMESTAMP '2024-03-05 17:08:09' AS d")  # fmt: skip
    got = con.execute(translate(f"SELECT {expression} AS y FROM t")).fetchone()[0]
    assert got == (pytest.approx(expected) if isinstance(expected, float | int | list) else expected)
