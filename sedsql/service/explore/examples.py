"""Queries to begin with on the page: rows with all that the views and the SED of a source need."""

from __future__ import annotations

from sedsql.catalogue import PHOTOMETRY
from sedsql.service.describe import examples
from sedsql.service.describe.facts import Facts

_WHOLE_ROWS = {
    "All that there is, up to a million sources": "SELECT TOP 1000000 * FROM sed.photometry",
    "Everything within 3 degrees of the Orion Nebula": (
        "SELECT *\nFROM   sed.photometry\nWHERE  1 = CONTAINS(POINT(ra, dec), CIRCLE(83.82, -5.39, 3))"
    ),
    "Young stars with a probability over 0.8": (
        "SELECT s.*, sed_class(s) AS class, sed_probability(s) AS probability, sed_stage(s) AS stage\n"
        "FROM   sed.photometry AS s\nWHERE  sed_proba(s, 'yso') > 0.8"
    ),
    "Everything nearer than 100 pc": (
        "SELECT *\nFROM   sed.photometry\nWHERE  parallax > 10 AND parallax_error < 0.1 * parallax"
    ),
    "White dwarfs": "SELECT *\nFROM   sed.classified\nWHERE  class = 'white_dwarf'",
    "Evolved stars": "SELECT *\nFROM   sed.classified\nWHERE  class_path LIKE 'evolved%'",
}


def queries(facts: Facts) -> list[dict[str, str]]:
    """Name and query of each example whose tables the mirror has; what is of any mirror comes last."""
    found = dict(_WHOLE_ROWS) if facts.table(PHOTOMETRY) else {}
    first, *others = examples.queries(facts).values()
    return [{"name": name, "query": query} for name, query in (*found.items(), *others, first)]
