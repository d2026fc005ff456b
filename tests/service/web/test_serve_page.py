"""What docs/serve.md says to type works."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
from serving import serving

from sedsql.cli.serve import app
from sedsql.mirror.sample import write_sample

PAGE = Path(__file__).parents[3] / "docs" / "serve.md"
SAID = "http://127.0.0.1:8080/tap"


def blocks(language):
    found = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A service of a rich sky, in which each class is found."""
    folder = tmp_path_factory.mktemp("page")
    write_sample(folder / "sky", 3_000, rich=True)
    with serving(folder / "sky", folder, workers=2) as url:
        yield url


def test_python_runs_from_top_to_bottom(url):
    names = {}
    for text in blocks("python"):
        exec(compile(text.replace(SAID, url), "serve.md", "exec"), names)
    assert len(names["young"]) > 0
    assert names["counts"]["n"].sum() > 0


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_curl(url):
    (command,) = [line for text in blocks("sh") for line in text.splitlines() if line.startswith("curl ")]
    ran = subprocess.run([*shlex.split(command.replace(SAID, url)), "-s"], capture_output=True, text=True, timeout=60)
    assert ran.stdout.startswith("class,n\n"), ran.stdout
    assert "main_sequence," in ran.stdout


def test_the_options_of_the_page_are_there():
    command = typer.main.get_command(app)
    page = PAGE.read_text(encoding="utf-8").replace("/opt/sedsql/bin/sedsql", "sedsql")
    lines = re.findall(r"^(?:ExecStart=)?sedsql serve (.*)$", page, re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        command.make_context("serve", shlex.split(line))
