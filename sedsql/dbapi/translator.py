"""Translate ADQL for one database: with its catalogue, the functions of its models and the rewrites that are chosen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sedsql import adql
from sedsql.adql import Translation
from sedsql.adql.parser.parameters import UnfitError, for_sql, plain
from sedsql.catalogue import Catalogue
from sedsql.dbapi.open_database import OpenDatabase
from sedsql.errors import ProgrammingError
from sedsql.inference.row_function import RowFunction

MOST_KEPT = 256
"""Translations that a connection keeps for queries that are asked again."""

Parameters = Sequence[Any] | Mapping[str, Any]
"""Values for `?` by their order, or for `:name` by their names."""


class Translator(Protocol):
    """What a cursor is handed to translate its queries."""

    def translate(self, query: str, values: Parameters) -> Translation:
        """Translate an ADQL query that is run with these values of its parameters."""


@dataclass(frozen=True)
class DatabaseTranslator:
    """Translate queries whose names are those of an open database.

    Attributes
    ----------
    database : its catalogue changes with the mirror and with uploads
    functions : those of the models
    rewrites, strict : see `sedsql.connect`
    """

    database: OpenDatabase
    functions: Mapping[str, RowFunction]
    rewrites: Collection[str]
    strict: bool = False
    _kept: dict[object, tuple[Catalogue, Translation]] = field(default_factory=dict, repr=False)

    def translate(
        self,
        query: str,
        values: Parameters | None = None,
        *,
        explain: list[str] | None = None,
        rewrites: Collection[str] | None = None,
    ) -> Translation:
        """Translate an ADQL query; the arguments are those of `adql.translate`.

        The translation of a text without values is kept until the catalogue is another: it depends on nothing else.
        """
        catalogue = self.database.catalogue
        rewrites = self.rewrites if rewrites is None else rewrites
        key = (query, values is None, tuple(rewrites))
        may_be_kept = isinstance(query, str) and not values and explain is None
        if may_be_kept and (kept := self._kept.get(key)) and kept[0] is catalogue:
            return kept[1]
        made = adql.translation(
            query,
            catalogue,
            self.functions,
            values=values,
            explain=explain,
            rewrites=rewrites,
            strict=self.strict,
        )
        if may_be_kept:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = catalogue, made
        return made


def values_to_bind(translation: Translation, values: Parameters) -> dict[str, Any]:
    """Choose the values that DuckDB binds: numbers that regions were computed from are no parameters any more."""
    given: Any = values if isinstance(values, Mapping) else {str(place): value for place, value in enumerate(values, 1)}
    return {name: translation.converted.get(name, given[name]) for name in translation.parameters}


def plain_query(query: Any, parameters: Parameters, *, in_adql: bool) -> tuple[str, Any]:
    """Check a query and its parameters, and turn both into Python's own types."""
    try:
        (text,) = plain([query])
        values = plain(parameters) if in_adql else for_sql(plain(parameters))
    except UnfitError as reason:
        raise ProgrammingError(f"{reason}.") from None
    if not isinstance(text, str):
        raise ProgrammingError(f"A query is a text, not of the type {type(text).__name__}.")
    return text, values
