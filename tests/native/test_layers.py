"""Folders of C sources include only what stands below them, and no two files include each other."""

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from sedsql.native.build import SOURCES

FOLDERS = re.findall(r"^\| (\w+) \|", (SOURCES / "README.md").read_text(), re.MULTILINE)[1:]


def includes(sources: Path) -> dict[str, set[str]]:
    """For each file, without its ending, the files that it includes: a header and its C file are one."""
    found: dict[str, set[str]] = {}
    for path in sorted(sources.rglob("*.[ch]")):
        name = str(path.relative_to(sources).with_suffix(""))
        named = {included.removesuffix(".h") for included in re.findall(r'#include "([^"]+)"', path.read_text())}
        found.setdefault(name, set()).update(named - {name})
    return found


def upward(found: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Each include of a higher folder, and each of a folder that has no place in the order."""
    height = {folder: -place for place, folder in enumerate(FOLDERS)}
    return [
        (name, other)
        for name, others in found.items()
        for other in others
        if (folder := other.split("/")[0]) not in height or height[folder] > height[name.split("/")[0]]
    ]


def test_the_readme_names_every_folder():
    assert FOLDERS == ["duckdb", "arrow", "model", "onnx", "trees", "text"]
    assert sorted(FOLDERS) == sorted(path.name for path in SOURCES.iterdir() if path.is_dir())


def test_no_file_includes_a_higher_folder():
    found = includes(SOURCES)
    assert len(found) > 30
    assert upward(found) == []


def test_the_two_libraries_share_only_what_is_below_both():
    assert not {
        other for name, others in includes(SOURCES).items() if name.startswith("duckdb/") for other in others
    } & {name for name in includes(SOURCES) if name.startswith("arrow/")}


def test_no_two_files_include_each_other():
    found = includes(SOURCES)
    assert set().union(*found.values()) <= set(found)
    TopologicalSorter(found).prepare()


def test_an_include_of_a_higher_folder_and_a_circle_are_seen(tmp_path):
    for name, text in {
        "trees/one.c": '#include "onnx/two.h"\n#include "one.h"\n',
        "onnx/two.h": "",
        "onnx/two.c": '#include "text/three.h"\n#include "onnx/two.h"\n#include "onnx/four.h"\n',
        "onnx/four.c": '#include "onnx/two.h"\n',
        "onnx/four.h": "",
        "text/three.h": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = includes(tmp_path)
    assert sorted(upward(found)) == [("trees/one", "one"), ("trees/one", "onnx/two")]
    with pytest.raises(CycleError):
        TopologicalSorter(found).prepare()
