"""What can be wrong with a table."""

from ..errors import Error


class TableError(Error, ValueError):
    """A file that is no table of a known format, or lacks a column, or holds text where numbers belong."""
