"""The error of reading and writing tables, and the warning of one that may have been meant otherwise."""

from sedsql.errors import Error


class TableError(Error, ValueError):
    """A file is no table of a known format, lacks a column, or has text where numbers belong."""


class TableWarning(UserWarning):
    """What a table lacks, or how its columns and numbers were taken."""
