"""What the parts of the resolver share: one query, the catalogue, and the functions that are handed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from sqlglot import exp

from sedsql.adql.errors import AdqlError
from sedsql.adql.resolver.scope import Catalogue, Source
from sedsql.adql.tree.model_function import ModelFunction
from sedsql.adql.tree.notes import span


@dataclass
class Context:
    """One query, and what its names are checked against.

    `functions` are those that are handed in, by lower-case name. `lax` tells that neither a catalogue nor functions
    were handed in, so that only the language is checked. `shadowed` collects tables that need another name in DuckDB,
    by their `id`.
    """

    sql: str
    catalogue: Catalogue | None
    functions: Mapping[str, ModelFunction]
    lax: bool
    shadowed: dict[int, Source] = field(default_factory=dict)

    def error(self, node: exp.Expr, message: str, hint: str | None = None) -> AdqlError:
        return AdqlError(message, self.sql, *span(node), hint)


def nearest(name: str, names: Iterable[str], short: Mapping[str, list[str]] | None = None) -> str | None:
    """Ask whether a name like this one was meant; `short` has qualified names by their last part."""
    near = get_close_matches(name.lower(), list(names))
    if not near and short:
        near = [key for word in get_close_matches(name.rsplit(".", 1)[-1], list(short)) for key in short[word]]
    return f"did you mean {' or '.join(near)}?" if near else None
