"""ADQL, as a sqlglot dialect: knows SQL and the sphere, nothing of models."""

from sedsql.adql.dialect import ADQL
from sedsql.adql.errors import AdqlError
from sedsql.adql.scope import Catalogue
from sedsql.adql.translate import Translation, translate, translation

__all__ = ["ADQL", "AdqlError", "Catalogue", "Translation", "translate", "translation"]
