"""What makes a query fast: joins left out, ranges of cells, joins of cells, cheap conditions, models asked last."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlglot import exp

from sedsql.adql.bounds import bands_first
from sedsql.adql.crossmatch import positional_join
from sedsql.adql.function import Write
from sedsql.adql.models import models_last_and_once
from sedsql.adql.regions import regions_to_ranges
from sedsql.adql.selects import Raw
from sedsql.adql.views import without_idle_joins

__all__ = ["REWRITES", "Raw", "rewrite"]


REWRITES: dict[str, Callable[[exp.Select, Write, list[str]], None]] = {
    "views": without_idle_joins,
    "ranges": regions_to_ranges,
    "joins": positional_join,
    "bounds": bands_first,
    "models": models_last_and_once,
}
"""By name, in the order in which they are made."""


def rewrite(query: exp.Expr, write: Write, explain: list[str], names: Collection[str] = tuple(REWRITES)) -> None:
    """Rewrites every SELECT of a resolved query in place, and tells in `explain` what was done."""
    for select in list(query.find_all(exp.Select)):
        for name, one in REWRITES.items():
            if name in names:
                one(select, write, explain)
