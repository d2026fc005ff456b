"""The C extension of the `sed_*` functions: where it is, or why there is none. `build.py` makes it."""

import os
from pathlib import Path

EXTENSION = Path(os.environ.get("SEDSQL_NATIVE") or Path(__file__).parent / "sedsql.duckdb_extension")
"""Where it is looked for; $SEDSQL_NATIVE names another build of it."""
KERNEL = "sedsql.kernel"
"""The library beside it, which `kernel.py` calls."""
WHY_NOT = EXTENSION.with_suffix(".why_not")
"""What the build left where it could not make the extension: half a sentence."""

INTERFACE = 1
"""The functions that this sedsql calls; src/duckdb/entry.c has the number of those that the extension has."""
OTHER_VERSION = (
    "The C extension is of another version of sedsql; run `python -m sedsql.native.build` to build it again, with a C "
    "compiler."
)
BUILD = "With a C compiler, `python -m sedsql.native.build` makes it."


def path() -> Path | None:
    """The extension's file, which DuckDB loads by `LOAD`; None where there is none."""
    return EXTENSION if EXTENSION.is_file() else None


def why_not() -> str | None:
    """A sentence that says why there is no extension and what would help; None where there is one."""
    if EXTENSION.is_file():
        return None
    left = WHY_NOT.read_text(encoding="utf-8").strip() if WHY_NOT.is_file() else "this package came without it"
    return f"There is no C extension of sedsql here: {left}. {BUILD}"
