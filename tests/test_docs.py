"""The documentation: the site is built without a warning, examples run, and links lead somewhere."""

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sedsql.mirror.sample import write_sample

ROOT = Path(__file__).parent.parent
WITH_CODE = ("tutorial", "python")
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "sedsql").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    write_sample(folder / "sky", 20_000, seed=2)
    return folder


@pytest.mark.parametrize("module", MODULES)
def test_examples_of_docstrings(module, folder, monkeypatch):
    monkeypatch.chdir(folder)
    failed, tried = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0
    assert tried


@pytest.mark.parametrize("name", WITH_CODE)
def test_python_of_a_page_runs_from_top_to_bottom(name, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL)
    for block in blocks:
        exec(compile(block, f"{name}.md", "exec"), names)
    names["con"].close()
    assert len(blocks) > 3


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pages = {path.relative_to(tmp_path).as_posix(): path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")}
    assert {"index.html", "adql_pairs.html", "results.html", "notebooks/train_your_own.html"} <= set(pages)
    assert "SELECT TOP 5 a FROM t" in pages["adql_pairs.html"]
    assert "arraysize" in pages["reference.html"]
    asked = [url for text in pages.values() for url in re.findall(r"<(?:script|link)[^>]*(?:src|href)=\"(https?://[^\"]+)", text)]
    assert not [url for url in asked if "canonical" not in url]
