"""Describe the table `sed.classified`: `sed.photometry`, and what a model says of each source."""

from dataclasses import replace

from sedsql.catalogue.table import CLASSIFIED, Column, Table, table_of
from sedsql.sql_text import identifier

LABEL = "_sed_class"
"""The column of the stored `sed.classified` that has what `sed_class` gives; `class` is a node of the tree."""
GIVEN_BY_MODEL = ("class", "class_probability", "class_path", "outlier", "class_model", LABEL)
CLASSIFIED_DESCRIPTION = "Gaia sources with their ten magnitudes, and what a model says that each is"

_CLASSIFIED = (
    Column(
        "class",
        "VARCHAR",
        None,
        "meta.code.class",
        "What the source is: the deepest node of the tree of classes that has a probability of 0.5",
    ),
    Column("class_probability", "DOUBLE", None, "stat.probability;meta.code.class", "Probability of that node"),
    Column(
        "class_path", "VARCHAR", None, "meta.code.class", "The nodes of the tree from the top to it, joined by slashes"
    ),
    Column(
        "outlier", "DOUBLE", None, "stat.rank", "Share of the model's training sources that are more like the others"
    ),
    Column("class_model", "VARCHAR", None, "meta.id;meta.modelled", "Name of the model that says so"),
)
"""The columns that `sed.classified` has besides those of `sed.photometry`."""


def classified(photometry: Table, description: str | None = None) -> Table:
    """Make `sed.classified` from the table `sed.photometry`."""
    found = table_of(CLASSIFIED, description or CLASSIFIED_DESCRIPTION, [*photometry.columns.values(), *_CLASSIFIED])
    asked = {column.name: f"_{column.name}" for column in _CLASSIFIED}
    return replace(
        found,
        cell_column=photometry.cell_column,
        cell_margin=photometry.cell_margin,
        one_to_one=photometry.one_to_one,
        rows=photometry.rows,
        files=photometry.files,
        check=photometry.check,
        base=photometry.name,
        asked=asked,
    )


def name_of_stored(column: str) -> str:
    """Name a column of GIVEN_BY_MODEL where it stands beside columns that a query names, as no query names one."""
    return f"stored {column}"


STORED_COLUMNS = f"* EXCLUDE ({', '.join(GIVEN_BY_MODEL)}), " + ", ".join(
    f"{name} AS {identifier(name_of_stored(name))}" for name in GIVEN_BY_MODEL
)
"""The columns of the files of the stored `sed.classified` with those names."""


def stored(classified: Table) -> Table:
    """Make the table that a mirror stores, with LABEL, from `sed.classified` as users see it."""
    label = Column(LABEL, "VARCHAR", None, "meta.code.class", "What sed_class gives: the most probable class")
    kept = [column for name, column in classified.columns.items() if name != LABEL]
    return table_of(classified.name, classified.description, [*kept, label])
