"""The error of reading and writing tables, and the warning of one that may have been meant otherwise."""

from sedsql.errors import Error, OperationalError


class TableError(Error, ValueError):
    """A file is no table of a known format, lacks a column, or has text where numbers belong."""


class TableWarning(UserWarning):
    """What a table lacks, or how its columns and numbers were taken."""


class StorageError(OperationalError):
    """An object, or what lies in its place, cannot be read from where it is stored."""
