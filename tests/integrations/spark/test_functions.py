"""The functions of models in Spark SQL and DataFrames give what DuckDB gives, or say in a sentence what they need."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import asked
import pytest

from sedsql.photometry.bands import COLUMNS

pytestmark = pytest.mark.spark
MAGNITUDES = "17.2, 18.9, 15.8, 12.9, 11.6, 10.6, 9.4, 8.6, 6.1, 3.7"


@pytest.fixture(scope="module")
def registered(spark):
    from sedsql.integrations.spark import register

    register(spark)
    return spark


@pytest.fixture
def mine(tmp_path):
    """The folder of a model of the user's own."""
    folder = tmp_path / "mine-1"
    shutil.copytree(Path("models/lite-2").resolve(), folder)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"name": "mine-1"}))
    return folder


def value(spark, expression):
    return spark.sql(f"SELECT {expression} AS a").collect()[0].a


def test_awkward_rows_get_the_bits_of_duckdb(registered, tmp_path):
    source, answers = tmp_path / "rows.parquet", tmp_path / "answers"
    asked.write_awkward(source, asked.ROWS)
    registered.read.parquet(str(source)).createOrReplaceTempView("awkward")
    registered.sql(f"SELECT id, {asked.SELECT} FROM awkward").write.parquet(str(answers))
    assert asked.differences(f"{answers}/*.parquet", source) == {}


def test_a_row_may_be_a_struct_and_a_column_of_a_dataframe(registered, tmp_path):
    from pyspark.sql import functions

    asked.write_awkward(tmp_path / "rows.parquet", 700)
    rows = registered.read.parquet(str(tmp_path / "rows.parquet"))
    rows.createOrReplaceTempView("few")
    answers = rows.select(
        "id",
        functions.call_function("sed_class", *COLUMNS).alias("class"),
        functions.expr("sed_proba(struct(*), 'agn', 'lite-2')").alias("p"),
    )
    answers.write.parquet(str(tmp_path / "answers"))
    select = f"sed_class({asked.BANDS}) AS class, sed_proba({asked.BANDS}, 'agn', 'lite-2') AS p"
    assert asked.differences(f"{tmp_path}/answers/*.parquet", tmp_path / "rows.parquet", select) == {}
    kept = registered.sql("SELECT id FROM few AS s WHERE sed_class(struct(s.*)) = 'yso' AND id < 0").collect()
    assert kept == []


def test_literals_are_decimals_and_bands_may_all_be_null(registered):
    assert value(registered, f"sed_class({MAGNITUDES})") == "yso"
    assert value(registered, f"sed_class({', '.join(['NULL'] * 10)})") is None
    assert value(registered, f"sed_proba({MAGNITUDES}, NULL)") is None
    assert value(registered, "sed_place('yso', NULL)") == 11


def test_a_model_of_the_user_s_own_is_sent_to_workers(registered, mine):
    from sedsql.integrations.spark import register

    try:
        register(registered, models=[mine])
        register(registered, models=[mine])
        expected = value(registered, f"sed_answer({MAGNITUDES}, 'lite-2').probabilities")
        shutil.rmtree(mine)
        assert value(registered, f"sed_answer({MAGNITUDES}, 'mine-1').probabilities") == expected
        assert value(registered, "sed_place('yso', 'mine-1')") == 11
    finally:
        register(registered)


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("sed_class()", "; no arguments are given here."),
        ("sed_class(1, 2, 3)", "; 3 arguments are given here."),
        (f"sed_class({MAGNITUDES}, 'none-1')", "No model 'none-1'; there are lite-2, luminosity-2, shape-2, sky-1."),
        (f"sed_proba({MAGNITUDES}, 'quasar')", "Model shape-2 has no class 'quasar'; it has "),
        (f"sed_class('bright', {MAGNITUDES[6:]})", "Column phot_g_mean_mag is string; a model takes numbers."),
        ("sed_class(struct(1 AS j_m))", "The row that sed_class is given has no phot_g_mean_mag, "),
        ("sed_place('quasar', NULL)", "Model shape-2 has no class quasar; it has "),
    ],
)
def test_a_refusal_is_a_sentence(registered, expression, sentence):
    from pyspark.errors import PySparkException

    registered.conf.set("spark.sql.execution.pyspark.udf.hideTraceback.enabled", "true")
    with pytest.raises(PySparkException) as refused:
        value(registered, expression)
    assert sentence in str(refused.value)
    assert "Traceback" not in str(refused.value)


def test_what_is_not_there_is_said_before_anything_is_registered(registered, tmp_path):
    from sedsql.inference.model import ModelError
    from sedsql.integrations.spark import register

    with pytest.raises(ModelError, match=r"^No model 'none-1'; there are"):
        register(registered, default="none-1")
    with pytest.raises(ModelError, match=r"^No folder .*nowhere to look for models in"):
        register(registered, models=[tmp_path / "nowhere"])


WITHOUT = """
import sys
sys.path[:] = [path for path in sys.path if "site-packages" not in path] + [sys.argv[1]]
from pyspark import cloudpickle
{before}
try:
    cloudpickle.loads(open(sys.argv[2], "rb").read())
except RuntimeError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        ("", "There is no sedsql for Spark on the worker "),
        (
            "import types; sys.modules['sedsql'] = old = types.ModuleType('sedsql'); old.__version__ = '0.0.1'\n"
            "old.__path__ = []",
            "There is no sedsql for Spark on the worker ",
        ),
        (
            "import types; sys.modules['sedsql'] = old = types.ModuleType('sedsql'); old.__version__ = '0.0.1'\n"
            "for name in ('sedsql.integrations', 'sedsql.integrations.spark', 'sedsql.integrations.spark.worker'):\n"
            "    sys.modules[name] = types.ModuleType(name); sys.modules[name].compute = None",
            " is sedsql 0.0.1, and here ",
        ),
    ],
)
def test_a_worker_without_the_package_or_with_another_version_says_so(tmp_path, before, sentence):
    import pyspark
    from pyspark import cloudpickle

    from sedsql.integrations.spark.functions import _call

    (tmp_path / "function").write_bytes(cloudpickle.dumps(_call("sed_class", "shape-2", {})))
    code = WITHOUT.format(before=before)
    beside = str(Path(pyspark.__file__).parents[1])
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code, beside, str(tmp_path / "function")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={},
        check=False,
    )
    assert sentence in ran.stdout, ran.stderr
    assert len(ran.stdout.splitlines()) == 1


def test_spark_that_is_not_there_is_said_in_a_sentence(monkeypatch, tmp_path):
    import pyspark

    from sedsql.integrations.spark import SparkError, session
    from sedsql.integrations.spark.requirements import check_session

    class Old:
        version = "4.0.2"

    with pytest.raises(SparkError, match=r"^The cluster has Spark 4\.0\.2; sedsql needs 4\.1 or later there too\.$"):
        check_session(Old())
    monkeypatch.setattr(pyspark, "__version__", "3.5.9")
    with pytest.raises(SparkError, match=r"^pyspark 3\.5\.9 is installed; sedsql needs 4\.1 or later: pip install"):
        session()
    monkeypatch.undo()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(
        SparkError, match=r"^Spark needs Java 17 or later, and JAVA_HOME is .* has no bin/java: install"
    ):
        session()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SparkError, match=r"and there is no `java` on the PATH: install one, or set JAVA_HOME\.$"):
        session()
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    with pytest.raises(SparkError, match=r"^Spark needs Java 17 or later, and .*/java is 11: set JAVA_HOME\.$"):
        session()


def test_without_pyspark_a_sentence_says_what_to_install(monkeypatch):
    from sedsql.integrations.spark import SparkError, session

    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(SparkError, match=r"^There is no pyspark in this Python; install it with: pip install"):
        session()
