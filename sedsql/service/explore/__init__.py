"""A page in the browser that explores a mirror: linked views of the result of a query, each source with its SED.

Each page has a session, a process of its own; `explorer` is what that does.
"""

from sedsql.service.explore.explore import Explore
from sedsql.service.explore.settings import ExploreSettings

__all__ = ["Explore", "ExploreSettings"]
