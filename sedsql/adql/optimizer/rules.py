"""Rewrite a resolved query so that it runs faster and gives the same answer."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlglot import exp

from sedsql.adql.optimizer.fewer_files import from_fewer_files
from sedsql.adql.optimizer.model_bounds import bands_first
from sedsql.adql.optimizer.model_calls import models_last_and_once
from sedsql.adql.optimizer.positional_joins import positional_join
from sedsql.adql.optimizer.region_ranges import regions_to_ranges
from sedsql.adql.optimizer.stored_answers import stored_answers
from sedsql.adql.optimizer.top_rows import top_rows
from sedsql.adql.optimizer.unused_joins import without_unused_joins
from sedsql.adql.tree.parts import every_of
from sedsql.adql.tree.signature import Write

REWRITES: dict[str, Callable[[exp.Select, Write, list[str]], None]] = {
    "stored": stored_answers,
    "views": without_unused_joins,
    "top": top_rows,
    "ranges": regions_to_ranges,
    "joins": positional_join,
    "files": from_fewer_files,
    "bounds": bands_first,
    "models": models_last_and_once,
}
"""By name, in the order in which they are made."""


def rewrite(query: exp.Expr, write: Write, explain: list[str], names: Collection[str] = tuple(REWRITES)) -> None:
    """Rewrite every SELECT of a resolved query in place, and tell in `explain` what was done."""
    for select in every_of(query, exp.Select):
        for name, one in REWRITES.items():
            if name in names:
                one(select, write, explain)
