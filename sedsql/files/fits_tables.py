"""Write FITS tables, with cards that say where classes come from."""

from pathlib import Path

from astropy.table import Table

from sedsql.files.provenance import apart, said


def write_fits(table: Table, path: Path) -> None:
    """Write a table in place of a file of that name; what PROVENANCE says goes into cards of the header."""
    table, about = apart(table)
    table.meta.update((_CARDS[key], _card(said(value))) for key, value in about.items() if key in _CARDS)
    table.write(path, format="fits", overwrite=True)


def _card(text: str) -> str:
    """Write a text in what a card of a FITS header can hold: ASCII in one line."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode()


_CARDS = {
    **{"model": "SEDMODEL", "model_sha256": "SEDSHA", "prior": "SEDPRIOR"},
    **{"sedsql": "SEDSQL", "time": "SEDTIME", "columns": "SEDCOLS", "query": "SEDQUERY"},
}
"""Keywords of FITS for what PROVENANCE says."""
