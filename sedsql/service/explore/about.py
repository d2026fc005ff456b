"""Tell the page what it has to know of the mirror: tables, functions, examples, classes, limits."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from sedsql.adql.parser.lexer import RESERVED
from sedsql.inference.answering import Answering
from sedsql.inference.model import find_models
from sedsql.mirror.declared import name_of, shown_columns, tables_of
from sedsql.mirror.named_regions import REGIONS
from sedsql.photometry.bands import BANDS
from sedsql.photometry.looks import looks
from sedsql.service.describe.facts import Facts
from sedsql.service.describe.features import LANGUAGE_FEATURES, user_defined
from sedsql.service.explore.examples import queries
from sedsql.service.explore.explorer.classes import look
from sedsql.service.explore.settings import ExploreSettings


def about(
    facts: Facts, settings: ExploreSettings, *, samp: bool = False, answering: Answering | None = None
) -> dict[str, Any]:
    """All that the page asks once.

    samp : whether it can send tables to other programs
    answering : the models, where they are not those of the settings
    """
    answering = answering or Answering.of(find_models(settings.process.models), settings.process.default)
    model = answering.models[answering.sky]
    styles = looks(model.classes)
    return {
        "version": version("sedsql"),
        "mirror": settings.process.mirror.name,
        "tables": [_table(facts, table) for table in tables_of(facts.catalogue)],
        "functions": _functions(),
        "keywords": sorted(RESERVED),
        "examples": queries(facts),
        "classes": [{"name": name, **look(name, styles[name])} for name in model.classes],
        "model": model.name,
        "photometry": [{"column": band.column, "short": band.short} for band in BANDS],
        "regions": [
            {"name": one.name, "ra": one.ra, "dec": one.dec, "radius": one.radius, "others": one.others}
            for one in REGIONS
        ],
        "samp": samp,
        "limits": {"rows": settings.rows, "points": settings.points, "sessions": settings.sessions},
    }


def _table(facts: Facts, table: Any) -> dict[str, Any]:
    return {
        "name": name_of(table),
        "description": table.description,
        "rows": facts.rows.get(table.name.lower()),
        "columns": [
            {key: getattr(column, key) for key in ("name", "datatype", "unit", "ucd", "description")}
            for column in shown_columns(table)
        ],
    }


def _functions() -> list[dict[str, Any]]:
    """Functions by name, with the forms that each has."""
    found: dict[str, dict[str, Any]] = {}
    for feature in user_defined():
        name = feature.form.partition("(")[0]
        one = found.setdefault(name, {"name": name, "forms": [], "description": feature.description})
        one["forms"].append(feature.form)
    shapes = {name: {"name": name, "forms": [], "description": ""} for name in LANGUAGE_FEATURES["adqlgeo"]}
    return [*found.values(), *shapes.values()]
