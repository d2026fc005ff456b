"""JupySQL, pandas, SQLAlchemy: in code of their own documentation, on a connection of sedsql's."""

import pandas as pd
import pytest
import sqlalchemy
from IPython.core.interactiveshell import InteractiveShell

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


def test_jupysql(con, expected):
    shell = InteractiveShell.instance()
    try:
        shell.run_line_magic("load_ext", "sql")
        shell.run_line_magic("config", "SqlMagic.feedback = 0")
        shell.user_ns["con"] = con
        shell.run_line_magic("sql", "con --alias sky")
        found = shell.run_cell_magic("sql", "", CLASSES)
        assert [tuple(row) for row in found] == expected
        assert found.DataFrame()["class"].tolist() == [label for label, _ in expected]
        # ADQL, which no SQL database has.
        found = shell.run_line_magic("sql", "SELECT TOP 3 source_id FROM gaiadr3.gaia_source ORDER BY source_id")
        assert len(found) == 3
    finally:
        InteractiveShell.clear_instance()


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
