"""What is uploaded: each folder has what its Dockerfile takes, and says what the platform asks for."""

import subprocess
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BOTH = {"Dockerfile", "start.sh", "datalab-meta.yml", "logo.svg", "sedsql-9.whl"}


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    (folder / "sedsql-9.whl").touch()
    subprocess.run([ROOT / "datalabs" / "pack.sh", folder, folder / "sedsql-9.whl", "platform/base:1"], check=True)
    return folder


@pytest.mark.parametrize(
    ("name", "extra", "more"), [("page", "serve", set()), ("lab", "lab", {"jupyter_config.py", "notebooks"})]
)
def test_a_folder_is_whole(packed, name, extra, more):
    folder = packed / name
    assert {path.name for path in folder.iterdir()} == BOTH | more
    lines = (folder / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("ARG")] == ["ARG BASE=platform/base:1", f"ARG EXTRA={extra}"]
    assert extra in PROJECT["optional-dependencies"]
    assert (folder / "start.sh").stat().st_mode & 0o111 == 0o111
    assert ElementTree.parse(folder / "logo.svg").getroot().tag.endswith("svg")
    told = yaml.safe_load((folder / "datalab-meta.yml").read_text(encoding="utf-8"))
    assert {"title", "alternateName", "abstract", "contactPoint.email", "creator.name"} <= set(told)
    assert told["version"] == PROJECT["version"]
    assert told["distribution.license"] == PROJECT["license"]
    if more:
        assert len([*(folder / "notebooks").glob("*.ipynb")]) == len([*(ROOT / "notebooks").glob("*.ipynb")])
