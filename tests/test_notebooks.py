"""Each notebook, executed from top to bottom."""

import base64
import os
import sys
from pathlib import Path

import nbformat
import pytest
from matplotlib import image
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURES = {"archive_to_mirror": 2, "compare_with_tap": 1, "star_forming_region": 4, "train_your_own": 2}


def test_the_notebooks_are_these():
    assert [path.stem for path in NOTEBOOKS] == sorted(PICTURES)


@pytest.mark.thorough
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_draws(path, tmp_path, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # threads that wait for one another beside other tests take minutes
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    book = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells), "notebooks are kept without their outputs"
    NotebookClient(book, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert not [output for output in outputs if "Error: " in output.get("text", "")]
    pictures = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == PICTURES[path.stem]
    for k, data in enumerate(pictures):
        (tmp_path / f"{k}.png").write_bytes(base64.b64decode(data))
        assert image.imread(tmp_path / f"{k}.png")[..., :3].std() > 0.03
    assert "imulated" in "".join(cell.source for cell in book.cells), "simulated is called simulated"
