"""The site: README, the pages of this folder, the notebooks and the benchmarks, at the places that they have here.

`sphinx-build -c docs . demo/site` builds it, so that links between files lead to the same places as in the repository.
"""

import os
import re
import shutil
import sys
from pathlib import Path

from docutils.nodes import document, literal_block
from sphinx.application import Sphinx

HERE = Path(__file__).parent
EXECUTES = bool(os.environ.get("SEDSQL_EXECUTE_NOTEBOOKS"))
sys.path.insert(0, str(HERE))
# Notebooks call `sedsql`, which stands beside the Python that builds, and whose bars cannot move on a page.
os.environ["TTY_COMPATIBLE"] = "0"
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

project = "sedsql"
myst_heading_anchors = 2
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "adql_tables"]
root_doc = "README"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "datalabs/README.md",
    "docs/**",
    "notebooks/*.ipynb",
    "benchmarks/RESULTS.md",
]
# What is not even to be walked through.
exclude_patterns = [".*", "*.egg-info", "demo", "models", "sedsql", "sql", "tests", "**/__pycache__"]

html_theme = "furo"
html_title = "sedsql"
html_copy_source = False
html_show_sphinx = False
html_domain_indices = False

nb_execution_mode = "force" if EXECUTES else "off"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_merge_streams = True
copybutton_exclude = ".linenos, .gp, .go"

napoleon_google_docstring = False
autodoc_member_order = "bysource"
default_role = "code"  # as single backticks are meant in docstrings
smartquotes = False
autodoc_typehints = "none"  # docstrings say it in words
nitpicky = True
nitpick_ignore = [
    ("py:class", "matplotlib.figure.Figure"),
    ("py:class", "sqlglot.errors.ParseError"),
    ("py:exc", "pyvo.dal.DALQueryError"),
]

SECTIONS = {
    "Begin": ["docs/tutorial", "docs/tasks", "docs/from_other_tools", "docs/faq"],
    "How to": [
        "docs/python",
        "docs/classify",
        "docs/mirror",
        "docs/shell",
        "docs/explore",
        "docs/plan",
        "datalabs/README",
        "docs/serve",
        "docs/plain_sql",
        "docs/scale",
        "docs/spark",
    ],
    "Notebooks": [f"notebooks/{path.stem}" for path in sorted((HERE.parent / "notebooks").glob("*.ipynb"))],
    "Reference": [
        *("docs/functions", "docs/adql", "docs/adql_queries", "docs/reference", "docs/commands", "docs/rules"),
        "docs/glossary",
    ],
    "The models": ["docs/models", "docs/honest", "docs/compare", "docs/simulated"],
    "How it works": ["docs/architecture", "docs/decisions", "benchmarks/RESULTS"],
    "The project": ["CONTRIBUTING", "CHANGELOG", "docs/stability", "docs/cite"],
}


def contents(app: Sphinx, page: str, source: list[str]) -> None:
    """The table of contents, at the end of README, which is plain Markdown in the repository."""
    if page == root_doc:
        for title, pages in SECTIONS.items():
            source[0] += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", ""])


def parameters(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """`name : what it is` of the docstrings, where numpy's style has a type, becomes name and description."""
    section, told = "", []
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and re.fullmatch("-{3,}", lines[i + 1]):
            section = line
        found = re.match(r"(\w[\w, ]*) : (.+)", line)
        if found and section in ("Parameters", "Attributes"):
            told += [found[1], f"    {found[2]}"]
        else:
            told.append(line)
    lines[:] = told


def lexers(app: Sphinx, doctree: document) -> None:
    """Cells of notebooks are IPython's, but for those in ADQL."""
    if "notebooks" in app.env.docname:
        for block in doctree.findall(lambda node: isinstance(node, literal_block) and node["language"] == "python"):
            block["language"] = "sql" if block.rawsource.startswith("%%adql") else "ipython3"


def index(app: Sphinx, error: Exception | None) -> None:
    """The first page under the name that servers look for."""
    if error is None and app.builder.format == "html":
        shutil.copyfile(app.outdir / "README.html", app.outdir / "index.html")


def setup(app: Sphinx) -> None:
    app.connect("source-read", contents)
    app.connect("autodoc-process-docstring", parameters, priority=400)  # before napoleon's
    app.connect("doctree-read", lexers)
    app.connect("build-finished", index)
