"""Keep `sed.photometry` as a table of the mirror's own, in step with the six tables that it joins and with the rules.

A part of it is joined and written at a time (`parts`), and named after the files, rules and SQL that it was made of. So
whether a part is right is a matter of its name, and what a process that was cut off has written is not written again.
While a part is missing, the view `sed.photometry` joins the tables.
"""

from sedsql.catalogue import PHOTOMETRY
from sedsql.mirror.table_state import Tables, TableState

STORED = {"kind": "stored"}
"""The `TableState.partitioning` of the stored `sed.photometry`."""

CLASSES = "classified"
"""The kind of `TableState.partitioning` of the stored `sed.classified`."""


def photometry(tables: Tables) -> TableState | None:
    """The stored `sed.photometry` of a mirror, whether it is right or not; None where it has none."""
    state = tables.get(PHOTOMETRY)
    return state if state and state.partitioning == STORED else None


def is_made(state: TableState) -> bool:
    """Whether sedsql made the table of others of the mirror, and can make it again."""
    return (state.partitioning or {}).get("kind") in (STORED["kind"], CLASSES)
