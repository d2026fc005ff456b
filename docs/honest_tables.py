"""Write the tables of docs/honest.md: `python docs/honest_tables.py --field FIELD --where COLUMN=VALUE MODEL...`."""

import argparse
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sedsql.files.atomic import new_file
from sedsql.inference.model import Model, find_models
from sedsql.learn import evaluation, ruled_out, sky_report

_FIGURES = ("macro_f1", "accuracy", "calibration_error")
PAGE = Path(__file__).parent / "honest.md"


def sky(model: Model, rows: int, oracle: bool) -> str:
    """The simulated sky's table of a model, with an oracle's figures beside it."""
    found = sky_report.report(model, rows, oracle=oracle)
    best = found.get("oracle", {"classes": {}})["classes"]
    header = ["class", "purity", "at least", "completeness", "6+ bands", "in its branch", "expected / there"]
    header += ["oracle's purity", "and completeness"] if best else []
    lines = []
    for label, some in found["classes"].items():
        keys = ["purity", "purity_at_least", "completeness", "completeness_many_bands", "completeness_branch"]
        line = [label, *(_share(some[key]) for key in keys), "" if some["ratio"] is None else f"{some['ratio']:.3g}"]
        lines.append(line + [_share(best[label][key]) for key in ("purity", "completeness") if label in best])
    error = found["calibration_error"]
    words = (
        f"`{model.name}`, {sum(found['rows'].values()):,} simulated sources: {_share(found['answered'])} have enough "
        f"bands for an answer; the default answer is right for {_share(found['right'])} of these, its expected "
        f"calibration error is {error['default_answer']:.4f}"
    )
    if "conformal" in found:
        sets = found["conformal"].get("0.9", {"covered": None})
        words += f", and sets of level 0.9 hold the class of {_share(sets['covered'])}"
    return f"{words}.\n\n{_table(header, lines)}"


def origins(metrics: dict[str, Any], by_sky: float) -> str:
    """The figures of a recipe by origin, as `evaluate --by origin --json` prints them, and each origin's.

    by_sky : macro F1 of the same recipe on sky that training had not seen
    """
    lines = []
    for rows, words in ((evaluation.ALL_ROWS, "all"), (evaluation.MANY, evaluation.ROWS[evaluation.MANY])):
        if some := metrics.get(rows):
            lines.append([words, f"{some['rows']:,}", *(f"{some[key]:.3f}" for key in _FIGURES)])
    said = f"The recipe of `{metrics['model']}`; its macro F1 on sky that training had not seen is {by_sky:.3f}."
    classes = [
        [name, f"{some['rows']:,}", *(f"{some[key]:.3f}" for key in ("precision", "recall", "f1"))]
        for name, some in metrics["all"]["per_class"].items()
    ]
    each = [
        [one["origin"], f"{one['rows']:,}", ", ".join(one["classes"]), _share(one["right"]), one["mostly_wrong"] or ""]
        for one in metrics["by_origin"]
    ]
    parts = [
        said,
        _table(["rows", "number", "macro F1", "right", "calibration error"], lines),
        _table(["class", "rows", "precision", "recall", "F1"], classes),
        _table(["origin", "rows", "classes tested", "right", "most others taken for"], each),
    ]
    return "\n\n".join(parts)


def field(models: Iterable[Model], source: Path, where: dict[str, str]) -> str:
    """How many answers absolute magnitudes rule out, by model."""
    some = ruled_out.read_field(source, where=where)
    lines = []
    for model in models:
        found = ruled_out.ruled_out(model, some)
        for key, words in (("class", "most probable class"), ("default_answer", "default answer")):
            mine = found[key]
            worst = sorted(mine["per_class"].items(), key=lambda item: -item[1]["ruled_out"])[:3]
            said = ", ".join(f"{name} {one['ruled_out']} of {one['found']}" for name, one in worst if one["ruled_out"])
            lines.append(
                [model.name, words, f"{mine['found']:,}", f"{mine['ruled_out']:,}", _share(mine["share"]), said]
            )
    return _table(["model", "answer", "sources", "ruled out", "share", "most of them"], lines)


def written(page: str, name: str, text: str) -> str:
    """The page with a text between the marks of that name."""
    marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
    found = re.compile(f"{marks[0]}.*?{marks[1]}", re.DOTALL)
    if not found.search(page):
        raise LookupError(f"The page has no place marked {marks[0]}.")
    return found.sub(lambda _: f"{marks[0]}\n{text}\n{marks[1]}", page)


def _table(header: list[str], lines: list[list[str]]) -> str:
    rows = [header, ["---", *["---:"] * (len(header) - 1)], *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _share(value: Any) -> str:
    return "" if value is None else f"{100 * value:.3g} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", help="the first one is tried on the simulated sky")
    parser.add_argument("--field", type=Path)
    parser.add_argument("--origins", type=Path, help="what `evaluate --cross-validate --by origin --json` has printed")
    parser.add_argument("--where", default=[], action="append", metavar="COLUMN=VALUE")
    parser.add_argument("--rows", type=int, default=sky_report.ROWS)
    parser.add_argument("--no-oracle", dest="oracle", action="store_false")
    asked = parser.parse_args()
    known = find_models()
    models = [known[name] for name in asked.models]
    parts = {"sky": sky(models[0], asked.rows, asked.oracle)}
    if asked.origins:
        metrics = json.loads(asked.origins.read_text(encoding="utf-8"))
        parts["origins"] = origins(metrics, known[metrics["model"]].card.metrics["all"]["macro_f1"])
    if asked.field:
        parts["field"] = field(models, asked.field, dict(text.split("=", 1) for text in asked.where))
    page = PAGE.read_text(encoding="utf-8")
    for name, text in parts.items():
        page = written(page, name, text)
    with new_file(PAGE, force=True) as partial:
        partial.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
