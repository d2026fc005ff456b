"""Exceptions of functions and regions that cannot be written in DuckDB's SQL; the translator adds the place."""


class UnsupportedError(Exception):
    """ADQL has something that sedsql does not support yet."""

    @property
    def sentence(self) -> str:
        """The sentence for the user."""
        return f"ADQL has {self}; sedsql does not support it yet"


class RangeError(UnsupportedError):
    """A number lies outside its range; the message is a sentence."""

    @property
    def sentence(self) -> str:
        return str(self)


class TooLargeError(RangeError):
    """A condition would become too much SQL; the message is a sentence."""


class RegionError(UnsupportedError):
    """A string is no region that sedsql knows; the language allows any string."""
