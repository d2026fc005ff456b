"""Find files whose names begin with `~`, the home folder, as a shell does."""

import os
from pathlib import Path


def at_home(path: str | os.PathLike[str]) -> Path:
    """Replace `~` and `~user` at the beginning of a path by the home folder; a file of that very name comes first."""
    found = Path(path)
    if not str(found).startswith("~") or os.path.lexists(found):
        return found
    try:
        return found.expanduser()
    except RuntimeError:  # there is no such user
        return found
