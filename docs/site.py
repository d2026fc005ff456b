"""What the site has besides the pages of this folder: README, benchmarks, notebooks, and ADQL as the tests have it."""

import ast
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PAGES = {"index.md": "README.md", "results.md": "benchmarks/RESULTS.md"}


@event_priority(100)  # before the plugin that makes pages of notebooks
def on_files(files: Files, config: MkDocsConfig) -> Files:
    for page, source in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, "adql_pairs.md", content=adql_pairs()))
    for folder, pattern in (("notebooks", "*.ipynb"), ("sql", "*.sql")):
        for path in sorted((ROOT / folder).glob(pattern)):
            files.append(File.generated(config, f"{folder}/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links within the repository become links within the site."""
    markdown = markdown.replace("](docs/", "](").replace("](../sql/", "](sql/")
    return re.sub(r"\]\((\.\./)?benchmarks/RESULTS\.md", "](results.md", markdown)


def adql_pairs() -> str:
    """The queries that the tests hold the translation to: what they become, what binds, what is refused."""
    told = ["# ADQL, query by query", "", "The queries that tests hold the translation to; [ADQL](adql.md) says what is supported."]
    pairs = [pair for name in ("test_translate", "test_dialect") for pair in _list(name, "PAIRS")]
    told += _table("What a query becomes", ("ADQL", "DuckDB SQL"), [map(_code, pair) for pair in pairs])
    binds = [[_code(query)] for query in _list("test_resolve", "BINDS")]
    told += _table("What binds against tables named as the archive's", ("ADQL",), binds)
    refused = [(_code(query), _code(word), _code(hint) if hint else "") for query, word, hint in _list("test_resolve", "REFUSED")]
    told += _table("What is refused", ("ADQL", "the place that is told", "what is proposed"), refused)
    return "\n".join(told) + "\n"


def _list(module: str, name: str) -> list:
    path = ROOT / "tests" / "adql" / f"{module}.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise LookupError(f"{path} has no list {name}")


def _table(title: str, names: Sequence[str], rows: Iterable[Iterable[str]]) -> list[str]:
    head = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    return ["", f"## {title}", "", *head, *(f"| {' | '.join(row)} |" for row in rows)]


def _code(query: str) -> str:
    query = " ".join(query.split()).replace("|", "\\|")
    return f"`` {query} ``"
