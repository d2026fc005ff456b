"""A mirror's tables in Spark: their names, rows, what is read of them, and how often a model is asked."""

import re

import pytest
from same_rows import Both, difference, rows_of

import sedsql
from sedsql.integrations.spark import SparkError
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.sample import write_sample

pytestmark = pytest.mark.spark
CONE = "1 = CONTAINS(POINT(ra, dec), CIRCLE(83.8, -5.4, 20))"


@pytest.fixture(scope="module", params=["joined", "stored"])
def sky(spark, tmp_path_factory, request):
    """The mirror in Spark and in DuckDB, with sed.photometry as a join and as it is stored."""
    folder = tmp_path_factory.mktemp("mirror") / "sky"
    write_sample(folder, 1_000, seed=5, rich=True, stores=request.param == "stored")
    found = sedsql.spark.mirror(spark, folder)
    with sedsql.connect(folder) as con:
        yield found, con
    found.close()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM gaiadr3.gaia_source",
        "SELECT * FROM sed.photometry",
        f"SELECT class, COUNT(*) AS n FROM sed.classified WHERE {CONE} GROUP BY class",
        f"SELECT source_id, sed_class(s) AS c, sed_proba(s, 'yso') AS p FROM photometry AS s WHERE {CONE}",
        "SELECT sed_alpha(s) AS a, sed_stage(s) AS st, sed_points(s) AS p FROM photometry AS s WHERE dec > 60",
        "SELECT TOP 5 source_id FROM gaiadr3.gaia_source WHERE dec > ? ORDER BY source_id",
    ],
)
def test_the_same_rows(sky, spark, query):
    found, con = sky
    one = Both(con, spark, found.catalogue, longest=None).tried(query, [30] if "?" in query else ())
    assert one.kind == "same", f"{one.told}\n{one.sql}"


def test_by_their_names_in_spark_sql(sky, spark):
    _, con = sky
    here = con.sql("SELECT source_id, w1mpro FROM sed.photometry WHERE dec > 0")
    names, rows = rows_of(spark.sql("SELECT source_id, w1mpro FROM sed.photometry WHERE dec > 0"))
    assert not difference(["source_id", "w1mpro"], here.fetchall(), names, rows, 0.0)


def plan(frame):
    return frame._jdf.queryExecution().optimizedPlan().toString()


def test_a_model_is_asked_last_and_once(sky):
    """Spark does not stop at the first condition that fails where Python is called; so these are below."""
    found, _ = sky
    asked = f"SELECT sed_class(s) AS c FROM photometry AS s WHERE sed_class(s) = 'yso' AND {CONE} AND parallax > 1"
    text = plan(found.sql(asked))
    assert len(re.findall(r"ArrowEvalPython \[sed_class", text)) == 1
    above, below = text.split("ArrowEvalPython", 1)
    assert "yso" in above
    assert "parallax" not in above
    assert "SIN(" in below
    assert re.search(r"Filter .*parallax", below)


def test_two_functions_share_one_answer(sky):
    found, _ = sky
    asked = (
        "SELECT sed_class(s) AS c, sed_proba(s, 'yso') AS p, sed_outlier(s) AS o FROM photometry AS s WHERE ra > 180"
    )
    text = plan(found.sql(asked))
    assert len(re.findall(r"ArrowEvalPython", text)) == 1
    assert text.count("sed_answer(") == 1


def test_a_cone_reads_ranges(sky, spark):
    """The ranges reach the Parquet files, whose statistics tell Spark what to skip; of several files some are named."""
    found, _ = sky
    spark.conf.set("spark.sql.maxMetadataStringLength", "10000")
    frame = found.sql(f"SELECT source_id FROM gaiadr3.gaia_source WHERE {CONE}")
    executed = frame._jdf.queryExecution().executedPlan().toString()
    spark.conf.unset("spark.sql.maxMetadataStringLength")
    assert re.search(r"PushedFilters: \[.*GreaterThanOrEqual\(source_id,\d+\)", executed)
    narrow = "SELECT source_id FROM gaiadr3.gaia_source WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(10, 45, 1))"
    assert "parquet.`/" in found.translate(narrow)


def test_positions_are_joined_by_cells(sky):
    found, con = sky
    asked = (
        "SELECT g.source_id, t.j_m FROM gaiadr3.gaia_source AS g JOIN gaiadr1.tmass_original_valid AS t"
        " ON DISTANCE(g.ra, g.dec, t.ra, t.dec) < 1 / 3600."
    )
    frame = found.sql(asked)
    executed = frame._jdf.queryExecution().executedPlan().toString()
    assert "CartesianProduct" not in executed
    assert "NestedLoop" not in executed
    names, rows = rows_of(frame)
    assert rows
    assert not difference(["source_id", "j_m"], con.execute(asked).fetchall(), names, rows, 0.0)


def test_names_are_looked_up(sky):
    with pytest.raises(sedsql.AdqlError, match=r"no column 'paralax'.*parallax"):
        sky[0].sql("SELECT paralax FROM gaiadr3.gaia_source")


def test_files_that_are_missing_or_not_its_own(spark, tmp_path):
    write_sample(tmp_path / "sky", 300, seed=3, rich=False, stores=False)
    files = sorted((tmp_path / "sky" / "gaiadr3" / "gaia_source").rglob("*.parquet"))
    other = files[0].with_name("other.parquet")
    other.write_bytes(files[0].read_bytes())
    with pytest.raises(MirrorError, match=r"other\.parquet lies among the files of gaiadr3\.gaia_source"):
        sedsql.spark.mirror(spark, tmp_path / "sky")
    other.unlink()
    files[0].unlink()
    with pytest.raises(MirrorError, match=f"gaiadr3.gaia_source lacks a file, .*{files[0].name}"):
        sedsql.spark.mirror(spark, tmp_path / "sky")


def test_a_mirror_on_object_storage_is_refused(spark):
    with pytest.raises(
        SparkError, match=r"^s3://bucket/sky is on object storage, from which Spark gets no mirror: copy"
    ):
        sedsql.spark.mirror(spark, "s3://bucket/sky")


def test_another_mode_than_ansi(spark, tmp_path):
    spark.conf.set("spark.sql.ansi.enabled", "false")
    try:
        with pytest.raises(SparkError, match=r"not in ANSI mode.*set spark\.sql\.ansi\.enabled to true"):
            sedsql.spark.mirror(spark, tmp_path)
    finally:
        spark.conf.set("spark.sql.ansi.enabled", "true")
