"""Translate ADQL into DuckDB's SQL. This package knows SQL and the sphere, and nothing of models."""

from sedsql.adql.dialect import ADQL
from sedsql.adql.errors import AdqlError, AdqlValueError
from sedsql.adql.resolver.scope import Catalogue
from sedsql.adql.translate import Translation, translate, translation

__all__ = ["ADQL", "AdqlError", "AdqlValueError", "Catalogue", "Translation", "translate", "translation"]
