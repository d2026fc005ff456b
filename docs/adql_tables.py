"""Tables of queries for the site, read from the tests: `<!-- PAIRS of tests/adql/test_translate.py -->` on a page."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent
_MARK = re.compile(r"<!-- (\w+) of (tests/[\w/]+\.py) -->")


def tables(app: Sphinx, page: str, source: list[str]) -> None:
    """Put each table in the place of its mark."""
    source[0] = _MARK.sub(lambda mark: table(mark[1], ROOT / mark[2]), source[0])


def table(name: str, path: Path) -> str:
    """A list of a module of tests as a Markdown table."""
    columns, row = _TABLES[name]
    rows = [columns, ["---"] * len(columns), *(row(entry) for entry in entries(name, path))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def entries(name: str, path: Path) -> list:
    """The list of that name, which holds nothing but constants."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise LookupError(f"{path} has no list {name}")


def _code(query: str | None) -> str:
    lines = (query or "").replace("|", "\\|").splitlines()
    return "<br>".join(f"`` {line.strip()} ``" for line in lines)


_TABLES: dict[str, tuple[list[str], Callable[..., list[str]]]] = {
    "PAIRS": (["ADQL", "DuckDB SQL"], lambda pair: [_code(query) for query in pair]),
    "BINDS": (["ADQL"], lambda query: [_code(query)]),
    "REFUSED": (["ADQL", "what is underlined", "what the hint has"], lambda entry: [_code(word) for word in entry]),
}


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", tables)
    return {"parallel_read_safe": True}
