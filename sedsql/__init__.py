"""Ask in SQL what the sources of a catalogue are, from the shape of their SEDs."""

from importlib.metadata import version

from .adql import AdqlError, translate
from .db import connect
from .errors import Error
from .inference.engines import register

__version__ = version("sedsql")
__all__ = ["AdqlError", "Error", "__version__", "connect", "register", "translate"]
