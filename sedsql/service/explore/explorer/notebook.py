"""Write a cell of a notebook that makes the table of a query."""

from __future__ import annotations

from pathlib import Path


def cell(query: str, *, mirror: Path | None = None, url: str | None = None) -> str:
    """Write Python that asks a mirror by its folder, or else a TAP service by its URL, and shows the table."""
    is_plain = all(letter == "\n" or letter.isprintable() for letter in query)
    written = f'"""\n{query}\n"""' if is_plain and '"""' not in query and "\\" not in query else repr(query)
    if mirror is not None:
        return (
            "import sedsql\n\n"
            f"con = sedsql.connect({str(mirror)!r})\n"
            f"query = {written}\n"
            "table = con.execute(query).table()\n"
            "table\n"
        )
    return (
        "import pyvo\n\n"
        f"service = pyvo.dal.TAPService({url!r})\n"
        f"query = {written}\n"
        "table = service.run_async(query).to_table()\n"
        "table\n"
    )
