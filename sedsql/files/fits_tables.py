"""Write FITS tables, with cards that say where classes come from."""

from collections.abc import Mapping
from pathlib import Path

from astropy.table import Table

from sedsql.files.provenance import apart, said


def write_fits(table: Table, path: Path) -> None:
    """Write a table in place of a file of that name; what PROVENANCE says goes into cards of the header."""
    table, about = apart(table)
    table.meta.update(provenance_cards(about))
    table.write(path, format="fits", overwrite=True)


def provenance_cards(about: Mapping) -> dict[str, str]:
    """Cards of a header for what PROVENANCE says."""
    return {_CARDS[key]: card(said(value)) for key, value in about.items() if key in _CARDS}


def card(text: str) -> str:
    """Write a text in what a card of a FITS header can hold: ASCII in one line."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(line.split()).encode("ascii", "backslashreplace").decode()


_CARDS = {
    **{"model": "SEDMODEL", "model_sha256": "SEDSHA", "prior": "SEDPRIOR"},
    **{"sedsql": "SEDSQL", "time": "SEDTIME", "columns": "SEDCOLS", "query": "SEDQUERY"},
}
"""Keywords of FITS for what PROVENANCE says."""
