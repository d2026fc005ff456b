"""What makes a query fast: ranges of cells, joins of cells, models asked last."""

from __future__ import annotations

from sqlglot import exp

from sedsql.adql.crossmatch import positional_join
from sedsql.adql.function import Write
from sedsql.adql.models import models_last_and_once
from sedsql.adql.regions import regions_to_ranges
from sedsql.adql.selects import Raw

__all__ = ["Raw", "rewrite"]


def rewrite(query: exp.Expr, write: Write, explain: list[str]) -> None:
    """Rewrites every SELECT of a resolved query in place, and tells in `explain` what was done."""
    for select in list(query.find_all(exp.Select)):
        regions_to_ranges(select, write, explain)
        positional_join(select, write, explain)
        models_last_and_once(select, write, explain)
