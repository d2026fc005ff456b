"""JupySQL, pandas, SQLAlchemy: in code of their own documentation, on a connection of sedsql's."""

import pandas as pd
import pytest
import sqlalchemy
from IPython.core.interactiveshell import InteractiveShell
from sql.connection import ConnectionManager

import sedsql

CLASSES = "SELECT sed_class(s) AS class, COUNT(*) AS n FROM sed.photometry AS s "
CLASSES += "WHERE s.w1mpro < 15 AND s.j_m < 16 GROUP BY class ORDER BY n DESC, class"


@pytest.fixture
def con(sky):
    with sedsql.connect(sky, default="shape-2") as con:
        yield con


@pytest.fixture
def expected(con):
    return con.execute(CLASSES).fetchall()


@pytest.fixture
def jupysql():
    """An IPython shell with `%sql`."""
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "sql")
    shell.run_line_magic("config", "SqlMagic.feedback = 0")
    yield shell
    shell.run_line_magic("config", "SqlMagic.autopandas = False")
    ConnectionManager.close_all()
    InteractiveShell.clear_instance()


def test_jupysql(jupysql, con, expected):
    jupysql.user_ns["con"] = con
    jupysql.run_line_magic("sql", "con --alias sky")
    found = jupysql.run_cell_magic("sql", "", CLASSES)
    assert [tuple(row) for row in found] == expected
    assert found.DataFrame()["class"].tolist() == [label for label, _ in expected]
    assert found.PolarsDataFrame()["n"].to_list() == [n for _, n in expected]
    # ADQL, which no SQL database has.
    few = jupysql.run_line_magic("sql", "SELECT TOP 3 source_id FROM gaiadr3.gaia_source ORDER BY source_id")
    assert len(few) == 3
    assert [tuple(row) for row in found] == expected  # the first answer stays
    jupysql.run_line_magic("config", "SqlMagic.autopandas = True")
    frame = jupysql.run_cell_magic("sql", "", CLASSES)
    assert list(frame.itertuples(index=False, name=None)) == expected


SKY_CLASSES = CLASSES.replace("sed_class(s)", "sed_class(s, 'shape-2')")


@pytest.mark.parametrize("options", ["", "?lang=adql"])
def test_jupysql_by_a_url(jupysql, sky, expected, options):
    jupysql.run_line_magic("sql", f"sedsql:///{sky}{options} --alias by_url")
    found = jupysql.run_cell_magic("sql", "", SKY_CLASSES)
    other = jupysql.run_line_magic("sql", "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source")
    assert [tuple(row) for row in other] == [(2000,)]
    assert [tuple(row) for row in found] == expected
    assert found.DataFrame()["class"].tolist() == [label for label, _ in expected]
    assert found.PolarsDataFrame()["n"].to_list() == [n for _, n in expected]
    jupysql.run_line_magic("config", "SqlMagic.autopandas = True")
    frame = jupysql.run_cell_magic("sql", "", SKY_CLASSES)
    assert list(frame.itertuples(index=False, name=None)) == expected
    tables = jupysql.run_line_magic("sqlcmd", "tables --schema gaiadr3")
    assert "gaia_source" in str(tables)


@pytest.mark.filterwarnings("ignore:pandas only supports SQLAlchemy")
def test_pandas_reads_from_a_connection(con, expected):
    frame = pd.read_sql(CLASSES, con)
    assert list(frame.itertuples(index=False, name=None)) == expected
    frame = pd.read_sql_query("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source WHERE parallax > ?", con, params=(2.0,))
    assert (
        frame["n"][0] == con.execute("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source WHERE parallax > 2.0").fetchone()[0]
    )
    pieces = list(pd.read_sql_query("SELECT ra FROM gaiadr3.gaia_source", con, chunksize=600))
    assert [len(piece) for piece in pieces] == [600, 600, 600, 200]


class TestSqlAlchemy:
    @pytest.fixture
    def engine(self, sky):
        engine = sqlalchemy.create_engine(f"sedsql:///{sky}")
        yield engine
        engine.dispose()

    def test_text_and_values(self, engine, expected):
        with engine.connect() as connection:
            assert [tuple(row) for row in connection.execute(sqlalchemy.text(CLASSES))] == expected
            query = sqlalchemy.text("SELECT count(*) FROM gaiadr3.gaia_source WHERE ra < :ra")
            assert 0 < connection.execute(query, {"ra": 180.0}).scalar() < 2000

    def test_expressions(self, engine):
        source = sqlalchemy.table(
            "gaia_source", sqlalchemy.column("source_id"), sqlalchemy.column("ra"), schema="gaiadr3"
        )
        query = sqlalchemy.select(sqlalchemy.func.count()).select_from(source).where(source.c.ra < 180)
        with engine.connect() as connection:
            found = connection.execute(query).scalar()
            assert (
                found == connection.exec_driver_sql("SELECT count(*) FROM gaiadr3.gaia_source WHERE ra < 180").scalar()
            )

    def test_two_answers_are_read_in_turns(self, engine):
        query = sqlalchemy.text("SELECT source_id FROM gaiadr3.gaia_source ORDER BY source_id LIMIT 4")
        with engine.connect() as connection:
            one, other = connection.execute(query), connection.execute(query)
            first = one.fetchone()
            assert other.fetchone() == first
            connection.commit()
            assert [first, *one.fetchall()] == [first, *other.fetchall()]

    def test_tables_and_columns_are_those_of_the_catalogue(self, engine, con):
        found = sqlalchemy.inspect(engine)
        tables = con.catalogue.tables
        assert set(found.get_schema_names()) == {table.parts[0] for table in tables.values()}
        assert set(found.get_table_names("gaiadr3")) == {
            table.parts[1] for table in tables.values() if table.parts[0] == "gaiadr3"
        }
        assert {"photometry", "classified"} <= set(found.get_table_names())
        columns = {column["name"]: column for column in found.get_columns("gaia_source", schema="gaiadr3")}
        known = con.execute("SELECT TOP 1 * FROM gaiadr3.gaia_source")
        assert list(columns) == [name for name, *_ in known.description]
        assert isinstance(columns["source_id"]["type"], sqlalchemy.BigInteger)
        assert isinstance(columns["ra"]["type"], sqlalchemy.Double)
        assert columns["ra"]["comment"].endswith("[deg]")
        assert found.has_table("gaia_source", schema="gaiadr3")
        assert not found.has_table("gaia_sauce", schema="gaiadr3")
        with pytest.raises(sqlalchemy.exc.NoSuchTableError):
            found.get_columns("gaia_sauce", schema="gaiadr3")

    @pytest.mark.parametrize("options", ["", "?lang=adql"])
    def test_pandas_reads_a_table(self, sky, con, options):
        engine = sqlalchemy.create_engine(f"sedsql:///{sky}{options}")
        frame = pd.read_sql_table("gaia_source", engine, schema="gaiadr3", columns=["source_id", "ra"])
        expected = con.execute("SELECT source_id, ra FROM gaiadr3.gaia_source").df()
        assert (
            frame.sort_values("source_id")
            .reset_index(drop=True)
            .equals(expected.sort_values("source_id").reset_index(drop=True))
        )
        assert len(pd.read_sql_table("photometry", engine)) == 2000
        engine.dispose()

    @pytest.mark.parametrize("options", ["", "?lang=adql"])
    def test_a_reflected_table_is_asked(self, sky, con, options):
        engine = sqlalchemy.create_engine(f"sedsql:///{sky}{options}")
        source = sqlalchemy.Table("gaia_source", sqlalchemy.MetaData(), schema="gaiadr3", autoload_with=engine)
        query = sqlalchemy.select(source.c.source_id).where(source.c.parallax > 1.0).order_by(source.c.source_id)
        with engine.connect() as connection:
            for limit in (3, 5):  # the second comes from the cache of statements
                found = connection.execute(query.limit(limit)).scalars().all()
                sql = f"SELECT TOP {limit} source_id FROM gaiadr3.gaia_source WHERE parallax > 1.0 ORDER BY source_id"
                assert found == [row[0] for row in con.execute(sql)]
            assert (
                connection.execute(query.limit(3).offset(2)).scalars().all()
                == connection.execute(query.limit(5)).scalars().all()[2:]
            )
        engine.dispose()

    def test_adql_by_a_url(self, sky):
        with sqlalchemy.create_engine(f"sedsql:///{sky}?lang=adql").connect() as connection:
            query = "SELECT TOP 3 ra FROM gaiadr3.gaia_source WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(0, 0, :r))"
            assert len(connection.execute(sqlalchemy.text(query), {"r": 120.0}).fetchall()) == 3
            with pytest.raises(sqlalchemy.exc.ProgrammingError, match="no column 'rx'"):
                connection.execute(sqlalchemy.text("SELECT rx FROM gaiadr3.gaia_source"))

    def test_a_folder_under_home(self, sky, monkeypatch):
        monkeypatch.setenv("HOME", str(sky.parent))
        with sqlalchemy.create_engine("sedsql:///~/sky").connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM gaiadr3.gaia_source").scalar() == 2000
        with sedsql.connect("~/sky") as con:
            assert con.execute("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source").fetchone() == (2000,)
        with sedsql.TAPMirror("~/sky") as service:
            assert service.baseurl == sky.as_uri()

    def test_pandas_and_the_engine_of_models(self, sky, engine, expected):
        frame = pd.read_sql(CLASSES, engine)
        assert list(frame.itertuples(index=False, name=None)) == expected
        other = sqlalchemy.create_engine(f"sedsql:///{sky}?engine=onnx")
        assert pd.read_sql("SELECT sed_engine() AS e", other)["e"].tolist() == ["onnx"]
        other.dispose()

    @pytest.mark.parametrize("url", ["sedsql://", "sedsql:///sky?engin=onnx"])
    def test_a_wrong_url_is_told(self, url):
        with pytest.raises(sedsql.InterfaceError, match="sedsql:///PATH"):
            sqlalchemy.create_engine(url).connect()
