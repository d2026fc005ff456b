"""Describe tables and columns: names, types, units, UCDs, descriptions, HEALPix cells."""

from sedsql.catalogue.catalogue import Catalogue
from sedsql.catalogue.datatypes import tap_type
from sedsql.catalogue.healpix import CELL, SOURCE_ID_SHIFT
from sedsql.catalogue.table import CLASSIFIED, JOINED, PHOTOMETRY, Answers, Column, Key, Table, table_of

__all__ = [
    "CELL",
    "CLASSIFIED",
    "JOINED",
    "PHOTOMETRY",
    "SOURCE_ID_SHIFT",
    "Answers",
    "Catalogue",
    "Column",
    "Key",
    "Table",
    "table_of",
    "tap_type",
]
