"""The process of a session of the page: `python -m sedsql.service.explore.explorer FD`."""

from sedsql.service.explore.explorer.explorer import Explorer, prepare
from sedsql.service.workers import child
from sedsql.service.workers.child import Send
from sedsql.service.workers.opened import OpenMirror
from sedsql.service.workers.settings import Settings


def make(settings: Settings, send: Send) -> Explorer:
    """Open the mirror."""
    return Explorer(OpenMirror(settings, prepare), settings, send)


if __name__ == "__main__":
    child.main(make)
