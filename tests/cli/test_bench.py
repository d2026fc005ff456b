"""Test `sedsql bench`: it runs, writes its tables, and reports answers that do not agree as an error."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # as the command does

from benchmarks import engines, forests, functions, measure, peers, races, served, tables, tap  # noqa: E402
from sedsql.photometry.bands import COLUMNS  # noqa: E402

TINY = races.Size(1000, 500, 60, (2, 4), None, 5, 1)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(races, "QUICK", TINY)
    monkeypatch.setattr(measure, "MOST_RUNS", 1)


@pytest.mark.thorough
def test_the_functions_agree_and_are_written_down(sedsql, tiny, tmp_path):
    target = tmp_path / "RESULTS.md"
    target.write_text("an old head\n<!-- translate -->\n## Translation\n\nkept\n\n<!-- functions -->\n## Old\n")
    ran = sedsql("bench", "functions", "--quick", "-o", target)
    assert ran.code == 0, ran.err
    text = target.read_text()
    assert text.index("<!-- functions -->") < text.index("<!-- translate -->")
    assert "kept" in text
    assert "an old head" not in text
    assert "## Old" not in text
    part = text[text.index("<!-- functions -->") : text.index("<!-- translate -->")]
    assert part.count("Same labels in every row: yes") == 2
    assert "NO:" not in part
    rows = [line.split("|") for line in part.splitlines() if line.startswith("| ONNX")]
    assert all(float(row[3].replace(",", "")) > 0 for row in rows)
    assert {row[1].strip() for row in rows} == {"ONNX function", "ONNX Runtime by itself"}
    assert "| scikit-learn | 1 |" in part


def test_trees_of_others_agree(sedsql, tiny):
    ran = sedsql("bench", "libraries", "--quick")
    assert ran.code == 0, ran.err
    assert ran.out.count("Same labels in every row: yes") >= 2
    assert "5 full trees of depth 6" in ran.out


def test_a_wrong_answer_is_an_error(sedsql, tiny, monkeypatch):
    monkeypatch.setattr(functions, "_shipped", lambda *_: None)
    monkeypatch.setattr(
        peers, "of_pipeline", lambda pipeline: {"scikit-learn": lambda X, threads: np.zeros(len(X), int)}
    )
    ran = sedsql("bench", "functions", "--quick")
    assert ran.code == 1
    assert "Error: functions: scikit-learn and " in ran.err
    assert "of 1,000 rows, first in row " in ran.err
    assert "Same labels in every row: NO: scikit-learn and " in ran.out


def test_json_has_the_runs(sedsql, tiny):
    ran = sedsql("bench", "translate", "--quick", "--json")
    figures = json.loads(ran.out)
    assert {"cone", "classes"} <= {one.get("query") for one in figures}
    assert all(one["benchmark"] == "translate" for one in figures)


@pytest.mark.thorough
def test_tables_of_each_format_get_the_classes_of_sql(sedsql, monkeypatch, tmp_path):
    monkeypatch.setattr(measure, "MOST_RUNS", 1)
    monkeypatch.setattr(tables, "QUICK", 300)
    ran = sedsql("bench", "tables", "--quick", "--folder", tmp_path)
    assert ran.code == 0, ran.err
    assert "The classes of each format are those of SQL: yes" in ran.out
    assert ran.out.count("| 300 |") == len(tables.MODELS) + len(tables.FORMATS)


def test_an_unknown_benchmark_is_named(sedsql):
    ran = sedsql("bench", "funktions")
    assert ran.code
    assert "did you mean functions?" in " ".join(ran.err.split())


def test_in_turns_runs_a_slow_competitor_once_and_a_quick_one_often():
    calls = []
    times = measure.in_turns(
        {"slow": lambda: calls.append("slow"), "quick": lambda: calls.append("quick")}, 3, enough=0
    )
    assert calls == ["slow", "quick", "quick", "slow", "slow", "quick"]
    assert len(times["quick"].seconds) == 3
    assert len(measure.in_turns({"slow": lambda: None}, 3, patience=-1)["slow"].seconds) == 1
    assert len(measure.in_turns({"quick": lambda: None}, 3)["quick"].seconds) == measure.MOST_RUNS
    assert measure.Times((1.0, 4.0, 2.0)).median == 2.0
    assert measure.Times((1.0, 4.0, 2.0)).spread == 1.5


def test_an_aim_that_is_missed_is_said():
    section = measure.Section("x")
    section.aim("speed", 3.0, least=4)
    section.aim("speed", 5.0, least=4)
    section.aim("cost", 11.0, most=10)
    assert [line.endswith("MISSED)") for line in section.lines if line] == [True, False, True]


def test_a_full_tree_answers_in_onnx_as_walked_by_hand(tmp_path):
    magnitudes = engines.photometry(300)
    trees = forests.full(6, 4, 3, magnitudes)
    path = forests.write_model(tmp_path / "full-1", trees, ["a", "b", "c"])
    scores = np.zeros((len(magnitudes), 3))
    for tree in trees:
        for row, source in enumerate(magnitudes):
            node = 0
            while not tree.leaf[node]:
                value = source[tree.feature[node]]
                left = tree.missing_left[node] if np.isnan(value) else value <= tree.threshold[node]
                node = (tree.left if left else tree.right)[node]
            scores[row, tree.target] += tree.value[node]
    one = engines.Photometry("onnx", magnitudes, [path])
    assert one.labels("sed_class(s, 'full-1')") == [("a", "b", "c")[k] for k in scores.argmax(axis=1)]
    one.close()


def test_rows_are_compared_whatever_their_order_and_type():
    class Frame:
        def __init__(self, **columns):
            import pandas as pd

            self.to_pandas = lambda: pd.DataFrame(columns)

    one = tap._rows(Frame(id=[4_000_000_001, 4_000_000_000], x=[1.0, float("nan")], name=["a", "b"]))
    assert (
        tap._difference(one, tap._rows(Frame(id=[4_000_000_000, 4_000_000_001], x=[None, 1], name=[b"b", b"a"])))
        is None
    )
    assert tap._difference(one, tap._rows(Frame(id=[4_000_000_000, 4_000_000_001], x=[None, 1.1], name=["b", "a"])))
    assert tap._difference(one, one[:1]) == "2 and 1 rows"


def test_every_query_has_its_forms():
    found = {question.name: question for question in tap.questions(17)}
    assert "source_id = 17" in found["source"].adql
    for question in found.values():
        others = [text for text in (question.service, question.sqlite) if text]
        # Other services have neither the functions of models nor the view.
        assert not any("sed_" in text or "sed." in text or "{" in text for text in others)
        if question.classified:
            assert all(column in text for text in others for column in COLUMNS)
    assert {name for name, question in found.items() if question.classified} == {"classes", "stages", "young_stars"}
    stems = {path.stem for path in (ROOT / "benchmarks" / "queries").iterdir()}
    assert stems <= set(found)


@pytest.mark.thorough
def test_a_service_has_no_error_and_loses_no_job_of_many_clients(sedsql, tiny, monkeypatch, tmp_path):
    monkeypatch.setattr(served, "_other", lambda *_: None)
    monkeypatch.setattr(served, "QUICK", 2_000)
    ran = sedsql("bench", "served", "--quick", "--folder", tmp_path)
    assert ran.code == 0, ran.err
    assert "Errors of many clients: 0" in ran.out
    assert "Jobs lost: 0" in ran.out
    assert "Errors of the replay: 0" in ran.out
    assert "| sedsql | 10,000 |" in ran.out  # each source five times
