"""`sedsql plan`: what it prints, what it refuses, and that it measures."""

import gzip
import json

import pytest
from plan.known_rates import rates_of

from sedsql.mirror import archive
from sedsql.mirror.database import open_mirror
from sedsql.mirror.ingest import import_files
from sedsql.plan import rates
from sedsql.plan.bulk_files import COLUMNS, write_tables


@pytest.fixture
def known(tmp_path):
    path = tmp_path / "rates.json"
    rates.write(rates_of(), path)
    return path


def test_a_plan_is_a_table_with_its_assumptions(sedsql, known):
    ran = sedsql("plan", "--sources", "3.6e7", "--cores", "1", "--disk", "0", "--network", "0", "--rates", known)
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "36,000,000 sources, 1 machine of 1 core, by rates of a machine"
    table = lines[2 : lines.index("Assumptions") - 1]
    assert [line.split("  ")[0] for line in table[1:]] == [
        *("import", "photometry", "classification", "all three"),
        *("cone", "count by class", "classes on the fly"),
    ]
    assert "10.0 h" in table[1]  # 36,002 s
    assert "cost" not in table[0]
    ends = {line.index(" processor") for line in table[1:] if "processor" in line}
    assert len(ends) == 1
    assert sum(line.startswith("- ") for line in lines) >= 8


def test_json_has_the_figures_and_the_price(sedsql, known):
    ran = sedsql("plan", "--sources", "36,000,000", "--cores", "2", "--price", "0.5", "--rates", known, "--json")
    found = json.loads(ran.out)
    first = found["steps"][0]
    assert first["step"] == "import"
    assert first["seconds"] == pytest.approx(2 + 36_000 * 0.75)
    assert first["cost"] == pytest.approx(first["core_hours"] * 0.5)
    assert found["building"]["cost"] == pytest.approx(found["building"]["core_hours"] * 0.5)
    assert found["rates"]["machine"] == "a machine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sources", "many"), "--sources takes a number of 1 or more, such as 1.8e9, not 'many'"),
        (("--sources", "0"), "--sources takes a number of 1 or more"),
        (("--sources", "nan"), "--sources takes a number of 1 or more"),
        (("--sources", "-5"), "--sources takes a number of 1 or more"),
        (("--cores", "0"), "greater than or equal to 1"),
        (("--machines", "0"), "greater than or equal to 1"),
        (("--price", "-1"), "greater than or equal to 0"),
        (("--sample", "10"), "Rates are measured with 2,000 simulated sources or more, not 10"),
    ],
)
def test_what_cannot_be_planned_is_said(sedsql, arguments, said):
    ran = sedsql("plan", *arguments)
    assert ran.code
    assert said in " ".join(ran.err.replace("│", "").split())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no JSON", "is no JSON, so it has no rates"),
        ("[1]", "has no rates of `sedsql plan`"),
        ('{"sedsql_plan": 99}', "has rates of version 99, and this sedsql takes version 2"),
        ('{"sedsql_plan": 2, "machine": "m", "columns": 152, "runs": []}', "lacks some of the rates"),
        ('{"sedsql_plan": 2, "machine": "m", "columns": 152, "runs": [{"step": "import"}]}', "lacks some of the rates"),
    ],
)
def test_a_file_without_rates_is_said(sedsql, tmp_path, text, said):
    path = tmp_path / "rates.json"
    path.write_text(text)
    ran = sedsql("plan", "--rates", path)
    assert ran.code == 1
    assert said in ran.err
    assert "measured again" in ran.err
    assert path.read_text() == text


def test_a_folder_that_is_not_there_is_said_before_anything_is_measured(sedsql, tmp_path, monkeypatch):
    monkeypatch.setattr("sedsql.plan.measure.measure", lambda *_: pytest.fail("it is measured"))
    ran = sedsql("plan", "--sources", "1000", "--rates", tmp_path / "nothere" / "rates.json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith(f"rates.json cannot be written: there is no folder {tmp_path / 'nothere'}\n")


def test_rates_come_back_as_they_were_written(known):
    assert rates.read(known) == rates_of()
    held = json.loads(known.read_text())
    held["runs"][0]["seconds"] = -1
    known.write_text(json.dumps(held))
    with pytest.raises(rates.PlanError, match="others than numbers"):
        rates.read(known)


def test_bulk_files_have_the_rows_and_the_archives_width(sky_of, tmp_path):
    tiny_sky = sky_of(50, seed=3)
    write_tables(tiny_sky, tmp_path / "files", COLUMNS)
    assert {path.name for path in (tmp_path / "files").iterdir()} == set(archive.TABLES)
    (first,) = (tmp_path / "files" / archive.GAIA).iterdir()
    with gzip.open(first, "rt") as file:
        assert file.readline() == "# %ECSV 1.0\n"
    import_files(tmp_path / "mirror", [first], archive.GAIA)
    own = ", ".join(archive.TABLES[archive.GAIA].columns)
    with open_mirror(tmp_path / "mirror") as mine, open_mirror(tiny_sky) as theirs:
        query = f"SELECT {own} FROM {archive.GAIA} ORDER BY source_id"
        assert mine.execute(query).fetchall() == theirs.execute(query).fetchall()
        assert len(mine.execute(f"SELECT * FROM {archive.GAIA}").description) == COLUMNS


@pytest.mark.thorough
def test_rates_are_measured_and_reused(sedsql, tmp_path):
    path = tmp_path / "rates.json"
    ran = sedsql("plan", "--sources", "1e6", "--sample", "4000", "--rates", path, "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert all(step["seconds"] > 0 for step in found["steps"])
    assert {run["rows"] for run in found["rates"]["runs"]} == {500, 4000}
    again = sedsql("plan", "--sources", "1e6", "--rates", path, "--json")
    assert json.loads(again.out)["steps"] == found["steps"]


@pytest.mark.thorough
def test_the_check_of_plans_runs(sedsql, tmp_path):
    ran = sedsql("bench", "plan", "--quick", "--rows", "4000", "--folder", tmp_path)
    assert ran.code == 0, ran.err
    lines = [line for line in ran.out.splitlines() if line.startswith("| ")]
    assert {"import", "photometry", "classification", "cone"} <= {line.split("|")[1].strip() for line in lines}
    assert "4,000 sources, by processor time: the furthest apart" in ran.out
