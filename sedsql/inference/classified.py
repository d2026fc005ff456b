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


def select(answering: Answering, rows: str) -> str:
    """Write the SELECT of all columns of `sed.classified`; it calls macros of the session or of this database.

    What no query asks for is not computed; what is asked for comes from one answer a row.

    rows : a table with the columns of `sed.photometry`
    """
    return _select(answering, rows, "sed_answer", _of_answer(answering)[:-1])


def select_stored(answering: Answering, rows: str, engine: str) -> str:
    """Write the SELECT of the columns that a mirror stores: those of `sed.classified`, and LABEL.

    engine : of the model; the C extension gives the columns themselves, which is quicker than all that a model says
    """
    if engine != "native":
        return _select(answering, rows, "sed_answer", _of_answer(answering))
    fields = ("class", "class_probability", "class_path", "outlier", "label")
    return _select(answering, rows, "sed_classified", [f"_answer.{name}" for name in fields])


_GIVEN = ("class", "class_probability", "class_path", "outlier", LABEL)


def _of_answer(answering: Answering) -> list[str]:
    """Write what each of _GIVEN is of `_answer`, which is all that the model says."""
    branch = f"sed_branch_of(_answer.probabilities, {HALF}, {literal(answering.sky)})"
    of_branch = [f"{branch}.{field}" for field in ("node", "probability", "path")]
    return [*of_branch, "_answer.prediction.outlier", "_answer.prediction.class"]


def _select(answering: Answering, rows: str, macro: str, columns: list[str]) -> str:
    """Write the SELECT of rows with columns of the answer of a macro.

    columns : those of _GIVEN, or the first of them
    """
    named = literal(answering.sky)
    taken = ", ".join(["s", *(f"s.{name}" for name in answering.extra[answering.sky]), named])
    shown = [f"{column} AS {name}" for column, name in zip(columns, _GIVEN, strict=False)]
    shown.insert(4, f"{named} AS class_model")
    return (
        f"SELECT * EXCLUDE (_answer), {', '.join(shown)} "
        f"FROM (SELECT s.*, {macro}({taken}) AS _answer FROM {rows} AS s)"
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
