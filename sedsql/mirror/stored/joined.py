"""Read the join that `sed.photometry` is, from sql/views.sql, and tell whether a mirror has what it joins."""

import re

import duckdb

from sedsql.catalogue import JOINED, PHOTOMETRY
from sedsql.catalogue.known_cells import STORED, UNCHANGED
from sedsql.files.resources import folder
from sedsql.mirror import archive
from sedsql.mirror.table_state import Tables
from sedsql.sql_text import literal

_COMMENTS = {
    PHOTOMETRY: "Gaia sources with their ten magnitudes from Gaia, 2MASS and AllWISE",
    JOINED: "The same as sed.photometry, joined from its tables for each query",
}


def views() -> str:
    """All of sql/views.sql."""
    return (folder("sql") / "views.sql").read_text(encoding="utf-8")


def select() -> str:
    """The SELECT of `sed.photometry` in sql/views.sql."""
    found = re.search(r"^CREATE VIEW sed\.photometry AS\n(.+?);$", views(), re.DOTALL | re.MULTILINE)
    if not found:
        raise ValueError("sql/views.sql has no view sed.photometry")
    return found[1]


def columns(name: str) -> list[str]:
    """Name the columns of one of the archive's tables that the join may name: other tables may have such names too."""
    text = views()
    return [column for column in archive.TABLES[name].columns if re.search(rf"\b{column}\b", text)]


def is_complete(tables: Tables) -> bool:
    """Whether all tables that the join needs are there, with the columns that it names."""
    return all(name in tables and set(columns(name)) <= set(tables[name].table.columns) for name in archive.TABLES)


def has_ids(tables: Tables) -> bool:
    """Whether source_id is a whole number of 64 bits, by which the rows can be stored."""
    return tables[archive.GAIA].table.columns["source_id"].datatype == "BIGINT"


def has_rules(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the connection's current database has the view of sql/rules.sql, which calls all of its macros.

    To list functions takes DuckDB 40 times as long as to list views.
    """
    found = con.execute(
        "SELECT count(*) FROM duckdb_views() "
        "WHERE database_name = current_database() AND schema_name = 'sed' AND view_name = 'rules'"
    ).fetchall()
    return found != [(0,)]


def make_rules(con: duckdb.DuckDBPyConnection) -> None:
    """Make the macros of sql/rules.sql, all of which are on, and the view of them."""
    con.execute((folder("sql") / "rules.sql").read_text(encoding="utf-8"))


def definition(con: duckdb.DuckDBPyConnection) -> str:
    """Write down what the rows of `sed.photometry` follow from, besides its tables: the SQL, and the rules as they are.

    Comments and blanks of sql/views.sql count for nothing.
    """
    from sedsql.mirror.rules import definitions  # it opens a database to read them

    text = " ".join(re.sub(r"--.*", "", select()).split())
    return "\n".join([text, *(f"{name}: {rule}" for name, rule in sorted(definitions(con).items()))])


def make_view(con: duckdb.DuckDBPyConnection, name: str = PHOTOMETRY) -> None:
    """Make a view that joins the tables in the connection's current database, and the rules where it has none."""
    if not has_rules(con):
        make_rules(con)
    con.execute(f"CREATE OR REPLACE VIEW {name} AS {select()}")
    con.execute(f"COMMENT ON VIEW {name} IS {literal(_COMMENTS[name])}")


def is_ours(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the view `sed.photometry` is the one of sql/views.sql: not an earlier one's, nor a user's own."""
    schema, name = PHOTOMETRY.split(".")
    con.execute(f"CREATE OR REPLACE TEMP VIEW _ours AS {select()}")
    found = con.execute(
        "SELECT sql FROM duckdb_views() WHERE view_name = '_ours' "
        f"OR (database_name = 'mirror' AND schema_name = '{schema}' AND view_name = '{name}')"
    ).fetchall()
    con.execute("DROP VIEW temp._ours")
    return len({_tree(con, sql.partition(" AS ")[2].rstrip("; \n")) for (sql,) in found}) == 1


def _tree(con: duckdb.DuckDBPyConnection, select: str) -> str:
    """Write a SELECT's syntax tree: in its text, DuckDB puts brackets or not."""
    tree = con.execute("SELECT json_serialize_sql(?)", [select]).fetchall()[0][0]
    return re.sub(r'"query_location":\d+', "", tree)


def is_stored(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the view `sed.photometry` reads files, and not six tables."""
    schema, name = PHOTOMETRY.split(".")
    found = con.execute(
        "SELECT sql FROM duckdb_views() "
        f"WHERE database_name = 'mirror' AND schema_name = '{schema}' AND view_name = '{name}'"
    ).fetchall()
    return any(STORED in sql for (sql,) in found)


def make_check(con: duckdb.DuckDBPyConnection) -> None:
    """Make the macro that files of stored rows pass, which is an error after a rule was switched by hand.

    DuckDB computes it whenever it reads the files.
    """
    from sedsql.mirror.rules import RULES  # it opens a database to read them

    probes = [rule.probe for rule in RULES.values()]
    kept = con.execute(f"SELECT {', '.join(probes)}").fetchall()[0]
    same = " AND ".join(probe if is_kept else f"NOT {probe}" for probe, is_kept in zip(probes, kept, strict=True))
    why = f"A rule of {PHOTOMETRY} was changed since its rows were stored; store them with: sedsql mirror refresh DIR"
    con.execute(
        f"CREATE OR REPLACE MACRO {UNCHANGED}(files) AS CASE WHEN {same} THEN files ELSE error({literal(why)}) END"
    )
