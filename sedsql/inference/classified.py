"""`sed.classified` for DuckDB's own SQL: a view of `sed.photometry` with what a model says of each row.

ADQL has it by its catalogue (`adql/rows.py`), and asks the model last. A mirror's database cannot hold the view, for
DuckDB looks for a view's functions when it makes it, and those of models are of a connection.
"""

from ..sqltext import literal
from .answers import ANSWER, BRANCH
from .calls import HALF, Answering
from .macros import parameters

PHOTOMETRY = "mirror.sed.photometry"


def view(database: str, answering: Answering) -> list[str]:
    """Statements that make the view `sed.classified` in a database; it calls macros of the session or of this database.

    What no query asks for is not computed; what is asked for comes from one answer a row.
    """
    inputs = [f"s.{name}" for name in answering.extra[answering.sky]]
    named = literal(answering.sky)
    branch = f"sed_branch_of(_answer.probabilities, {HALF}, {named})"
    return [
        f"CREATE SCHEMA IF NOT EXISTS {database}.sed",
        f"CREATE OR REPLACE VIEW {database}.sed.classified AS SELECT * EXCLUDE (_answer), {branch}.node AS class, "
        f"{branch}.probability AS class_probability, {branch}.path AS class_path, "
        f"_answer.prediction.outlier AS outlier, {named} AS class_model "
        f"FROM (SELECT s.*, sed_answer({', '.join(['s', *inputs, named])}) AS _answer FROM {PHOTOMETRY} AS s)",
    ]


def stubs(answering: Answering) -> list[str]:
    """Macros in the place of those that the view calls: to make it, DuckDB would read the whole of a model in SQL."""
    taken = ", ".join(["s", *parameters(answering.extra[answering.sky]), "model"])
    return [
        f"CREATE OR REPLACE MACRO sed_answer({taken}) AS NULL::{ANSWER}",
        f"CREATE OR REPLACE MACRO sed_branch_of(probabilities, least, model) AS NULL::{BRANCH}",
    ]
