"""Read the positions of a table, and of text: decimal degrees, other angles, or sexagesimal."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sedsql.files import sexagesimal
from sedsql.files.errors import TableError
from sedsql.files.input_columns import ReadOptions
from sedsql.files.inputs import Inputs
from sedsql.files.names import listed, would_do
from sedsql.files.sexagesimal import is_sexagesimal

Array = NDArray[np.float64]


def read_positions(
    table: pa.Table, given: Mapping[str, str] | None = None, units: Mapping[str, str] | None = None
) -> tuple[Array, Array]:
    """Read right ascensions and declinations in degrees, ICRS, shape (rows,) each; NaN where there is none.

    given : the columns of `ra` and `dec` where their names do not tell
    units : of columns that do not say theirs

    Raises TableError where there is no such column, or a value is no angle, and says which row.
    """
    given = dict(given or {})
    if unknown := set(given) - {"ra", "dec"}:
        raise TableError(f"A position has ra and dec, and no {unknown.pop()!r}.")
    inputs = Inputs.find(table.schema, ReadOptions(columns=given, units=units or {}))
    for name in ("ra", "dec"):
        if name not in inputs.columns:
            raise TableError(
                f"The table has no column {would_do(name)}; name it with --map {name}=COLUMN; "
                f"{listed(table.column_names)}."
            )
    found = inputs.coordinates(lambda name: table[name].combine_chunks())
    assert found is not None
    return found


def doubts(ra: Array, dec: Array, matched: int) -> list[str]:
    """Say what makes positions doubtful of which so many were found in a catalogue, a sentence each."""
    found = []
    if beyond := int((np.abs(dec) > 90).sum()):
        rows = "row has" if beyond == 1 else "rows have"
        found.append(f"{beyond:,} {rows} a declination beyond 90 degrees; if ra and dec are swapped, --map names them")
    known = ra[np.isfinite(ra)]
    if not matched and len(known) > 2 and known.min() >= 0 and known.max() <= 24:
        found.append(
            "All right ascensions lie between 0 and 24 degrees; if they are hours, say --unit COLUMN=hourangle"
        )
    return found


def degrees(text: str, what: str, where: str) -> float:
    """Parse one angle, sexagesimal or in decimal degrees; `where` begins the sentence of an error.

    what : 'ra', which is in hours where it is sexagesimal and has no mark of degrees, or 'dec'
    """
    try:
        return float(text)
    except ValueError:
        pass
    written = pa.array([text.strip().lower()])
    if is_sexagesimal(written):
        found, wrong = sexagesimal.degrees(written, is_ra=what == "ra", unit="")
        if not wrong[0]:
            return float(found[0])
    raise TableError(f"{where} {text!r}, which is no angle; 05:35:17.3 and 83.82 are.")
