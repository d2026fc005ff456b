"""Number nested HEALPix cells (Gorski et al. 2005, ApJ 622, 759) at the orders that sedsql uses.

Cells of order 12 are the ones in Gaia's source_id, and all ranges of cells are of that order.
"""

ORDER = 12
FINEST = 29
"""The order of the smallest cells, 0.4 milliarcseconds wide: their numbers still fit 64 bits."""

CELL = "_healpix_29"
"""The column of cells of order 29 in tables without a source_id; HATS's name of it (IVOA Note, Section 3)."""

CELL_SHIFT = 2 * (FINEST - ORDER)
"""Bits below the cell of order 12 in `_healpix_29`."""

SOURCE_ID_SHIFT = 35
"""Bits below the cell of order 12 in Gaia's source_id (Gaia DR3 documentation, Section 20.1.1)."""

ARCMINUTE = 1 / 60
"""Degrees: hardly a star has moved further from its cell since Gaia gave it its source_id."""


def number_of_cells(order: int) -> int:
    """Count the cells of an order, which cover the sky."""
    return 12 << 2 * order


def cells_in(cell: int, order: int, finer: int = ORDER) -> tuple[int, int]:
    """The first cell of order `finer` in a cell of an order, and the one after the last."""
    down = 2 * (finer - order)
    return cell << down, (cell + 1) << down
