"""Make `sed.classified` for DuckDB's own SQL: a view of `sed.photometry` with a model's output for each row.

ADQL has it by its catalogue (`adql/resolver/row_calls.py`), and asks the model last. A mirror's database cannot hold
the view: DuckDB looks for a view's functions when it makes it, and those of models belong to a connection. What a
mirror can hold is what the model said (`mirror/stored/classify.py`).
"""

from sedsql.catalogue.classified import GIVEN_BY_MODEL, LABEL, name_of_stored
from sedsql.inference.answering import Answering
from sedsql.inference.answers import ANSWER, BRANCH
from sedsql.inference.macros import parameters
from sedsql.photometry.classes import HALF
from sedsql.sql_text import identifier, literal

PHOTOMETRY = "mirror.sed.photometry"


def select(answering: Answering, rows: str, *, label: bool = False) -> str:
    """Write the SELECT of all columns of `sed.classified`; it calls macros of the session or of this database.

    What no query asks for is not computed; what is asked for comes from one answer a row.

    rows : a table with the columns of `sed.photometry`
    label : whether it has the column LABEL as well
    """
    inputs = [f"s.{name}" for name in answering.extra[answering.sky]]
    named = literal(answering.sky)
    branch = f"sed_branch_of(_answer.probabilities, {HALF}, {named})"
    more = f", _answer.prediction.class AS {LABEL}" if label else ""
    return (
        f"SELECT * EXCLUDE (_answer), {branch}.node AS class, "
        f"{branch}.probability AS class_probability, {branch}.path AS class_path, "
        f"_answer.prediction.outlier AS outlier, {named} AS class_model{more} "
        f"FROM (SELECT s.*, sed_answer({', '.join(['s', *inputs, named])}) AS _answer FROM {rows} AS s)"
    )


def view(database: str, answering: Answering, stored: str | None = None) -> list[str]:
    """Write the statements that make the view in a database.

    stored : the view of the mirror that has all its rows
    """
    rows = select(answering, PHOTOMETRY)
    if stored:
        hidden = {name: identifier(name_of_stored(name)) for name in GIVEN_BY_MODEL}
        shown = ", ".join(f"{known} AS {name}" for name, known in hidden.items() if name != LABEL)
        rows = f"SELECT * EXCLUDE ({', '.join(hidden.values())}), {shown} FROM mirror.{stored}"
    return [
        f"CREATE SCHEMA IF NOT EXISTS {database}.sed",
        f"CREATE OR REPLACE VIEW {database}.sed.classified AS {rows}",
    ]


def stubs(answering: Answering) -> list[str]:
    """Write macros in the place of those that the view calls: to make it, DuckDB would read all of a model in SQL."""
    taken = ", ".join(["s", *parameters(answering.extra[answering.sky]), "model"])
    return [
        f"CREATE OR REPLACE MACRO sed_answer({taken}) AS NULL::{ANSWER}",
        f"CREATE OR REPLACE MACRO sed_branch_of(probabilities, least, model) AS NULL::{BRANCH}",
    ]
