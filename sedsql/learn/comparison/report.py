"""Write the report of a comparison: report.json, report.md, report.html and pictures in its folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sedsql.files.atomic import new_file
from sedsql.files.json import to_json
from sedsql.learn.algorithms import ALGORITHMS
from sedsql.learn.comparison.classical import YOUNG
from sedsql.learn.comparison.compare import ENSEMBLE
from sedsql.learn.comparison.ensemble import MEMBERS
from sedsql.learn.comparison.figures import draw
from sedsql.learn.comparison.report_trust import TITLES, carried_over, leaking, number, published, trust
from sedsql.learn.evaluation import MANY, MANY_BANDS
from sedsql.plot.report.document import Block, Heading, Paragraph, Picture, Rows, html, markdown

Report = Mapping[str, Any]

SHOWN_PAIRS = 8
_ENSEMBLE = (
    f"The ensemble is the mean of the calibrated probabilities of {MEMBERS} algorithms, in each fold those best on "
    "the other folds. "
)


def write(report: Report, folder: Path, command: str) -> None:
    """Write the report and its pictures; the report names `command` as the one that makes it again."""
    pictures = draw(report, TITLES, folder / "figures")
    blocks = page(report, pictures, command)
    title = f"Algorithms compared on {report['table']['table']}"
    for name, text in (
        ("report.json", json.dumps(json.loads(to_json(report)), indent=1) + "\n"),
        ("report.md", markdown(blocks, "figures")),
        ("report.html", html(title, blocks, folder / "figures")),
    ):
        with new_file(folder / name, force=True) as partial:
            partial.write_text(text, encoding="utf-8")


def summary(report: Report) -> tuple[list[str], list[tuple]]:
    """Return names of columns, and a line of figures for each algorithm, the best first."""
    many = f"{MANY_BANDS}+ bands"
    names = ["", "macro F1", "±", many, "±", "weighted F1", "calibration error", "fit, s", "µs a row"]
    lines = [
        (
            TITLES[name],
            some["all"]["macro_f1"],
            some["all"]["macro_f1_error"],
            some.get(MANY, {}).get("macro_f1"),
            some.get(MANY, {}).get("macro_f1_error"),
            some["all"]["weighted_f1"],
            some["all"]["calibration_error"],
            some["fit_seconds"],
            some["microseconds_a_row"],
        )
        for name, some in report["algorithms"].items()
    ]
    return names, sorted(lines, key=lambda line: -line[1])


def page(report: Report, pictures: Mapping[str, str], command: str) -> list[Block]:
    """Compose the whole report."""
    table = report["table"]
    return [
        Heading("Algorithms compared", 1),
        Paragraph(
            f"{table['rows']:,} labelled rows of {table['table']} in {len(table['rows_per_class'])} classes; seed "
            f"{report['seed']}. Written by `{command}`."
        ),
        Paragraph(
            f"How: {report['how']}. All algorithms see the same colours and reddening-free indices, are fitted to the "
            "same rows with the same weights and the same bands taken away at random, and are tested on the same rows."
        ),
        *carried_over(report["leaks"]),
        *_algorithms(report, pictures),
        *_classes(report, pictures),
        *trust(report, pictures),
        *leaking(report["leaks"]),
        *published(report),
    ]


def _algorithms(report: Report, pictures) -> list[Block]:
    names, lines = summary(report)
    rows = [[line[0], *(number(v) for v in line[1:7]), number(line[7], 1), number(line[8], 1)] for line in lines]
    tried = [
        [
            TITLES[name],
            ", ".join(str(choice["tried"] or 1) for choice in some["choices"]),
            str(len(ALGORITHMS[name].settings)),
            _settings(some["choices"]),
        ]
        for name, some in report["algorithms"].items()
        if name != ENSEMBLE and len(ALGORITHMS[name].settings) > 1
    ]
    classical = [
        [name, number(some["all"]["macro_f1"]), number(some.get(MANY, {}).get("macro_f1"))]
        for name, some in report["classical"]["of_class"].items()
    ]
    bands = list(next(iter(report["algorithms"].values()))["same_bands"])
    same = [
        [TITLES[name], *(number(some["same_bands"][b]["macro_f1"]) for b in bands)]
        for name, some in report["algorithms"].items()
    ]

    def having(what: str) -> list[str]:
        return [f"{some[what]:,}" for some in next(iter(report["algorithms"].values()))["same_bands"].values()]

    blocks: list[Block] = [
        Heading("Which is best"),
        Paragraph(_verdict(report)),
        Rows(names, rows),
        Picture(pictures["algorithms"], "Macro F1 of each algorithm and of the classical ways."),
        Picture(pictures["cost"], "What a row costs, against macro F1."),
        Paragraph(
            (_ENSEMBLE if ENSEMBLE in report["algorithms"] else "")
            + "The fit is that of one fold; ± is the standard error of macro F1 by resampling rows. All are tried on "
            "the same rows, so that their differences scatter less than that."
        ),
        Paragraph(
            "Settings tried in each fold within the time, of how many, and those taken. Where there was no time to "
            "choose (1 tried), the first was taken; a longer `--budget` lets more be tried. In brackets: folds."
        ),
        Rows(["", "tried in folds", "of", "taken"], tried),
        Paragraph("The classical ways on the same rows, macro F1:"),
        Rows(["", "all rows", f"{MANY_BANDS}+ bands"], classical),
        Paragraph(
            "Macro F1 where every row has just the same bands, all others taken away: what is known without help from "
            "what is missing."
        ),
        Rows(["", *bands], [*same, ["(rows)", *having("rows")], ["(classes that have such rows)", *having("classes")]]),
    ]
    return blocks


def _verdict(report: Report) -> str:
    scores = {name: some["all"]["macro_f1"] for name, some in report["algorithms"].items()}
    best = report["best"]
    error = report["algorithms"][best]["all"]["macro_f1_error"]
    near = [TITLES[name] for name, score in scores.items() if name != best and scores[best] - score <= error]
    text = f"On all rows the **{TITLES[best]}**, with macro F1 {scores[best]:.3f}"
    if MANY in report["algorithms"][best]:
        many = {name: some[MANY]["macro_f1"] for name, some in report["algorithms"].items()}
        first = max(many, key=lambda name: many[name])
        text += f"; on rows with {MANY_BANDS} bands or more the **{TITLES[first]}**, with {many[first]:.3f}"
    within = f"Within its standard error, {error:.3f}, of the best on all rows"
    text += f". {within}: {', '.join(near)}." if near else f". {within} is no other."
    return f"{text} The best is picked by these very figures, which flatters it a little."


def _settings(choices) -> str:
    counts: dict[str, int] = {}
    for choice in choices:
        words = ", ".join(f"{key} {value}" for key, value in choice["settings"].items())
        counts[words] = counts.get(words, 0) + 1
    return "; ".join(f"`{words}`" + (f" ({n})" if len(counts) > 1 else "") for words, n in counts.items())


def _classes(report: Report, pictures) -> list[Block]:
    best = report["algorithms"][report["best"]]["all"]["per_class"]
    rows = []
    for name, some in best.items():
        others = {key: a["all"]["per_class"][name]["f1"] for key, a in report["algorithms"].items()}
        first = max(others, key=lambda key: others[key])
        rows.append(
            [name, *(number(some[key]) for key in ("precision", "recall", "f1")), number(others[first]), TITLES[first],
             f"{some['rows']:,}"]
        )  # fmt: skip
    where = MANY if MANY in report["remaining_confusion"] else "all"
    pairs = [
        [
            " and ".join(some["pair"]),
            number(some["least"]),
            TITLES[some["by"]],
            number(some["forth"]),
            number(some["back"]),
        ]
        for some in report["remaining_confusion"][where][:SHOWN_PAIRS]
    ]
    rows_are = f"rows with {MANY_BANDS} bands or more" if where == MANY else "all rows"
    blocks: list[Block] = [
        Heading("Class by class"),
        Paragraph(
            f"What the {TITLES[report['best']]} does on all rows, and the best F1 that any of the algorithms reaches:"
        ),
        Rows(["class", "precision", "recall", "F1", "best F1", "of", "rows"], rows),
        Picture(pictures["confusion"], "Of each class in the table, what it is found to be."),
        Picture(pictures["precision_recall"], "Precision and recall of each class as the threshold moves."),
        Heading("The confusion that remains"),
    ]
    if pairs:
        blocks += [
            Paragraph(
                f"Pairs of classes that no algorithm separates ({rows_are}): "
                "the mean of the shares of the one that are called the other, as small as any algorithm makes it; and "
                "the two shares of the best, the first of the pair called the second and the reverse."
            ),
            Rows(["pair", "least confusion", "by", "first as second", "second as first"], pairs),
        ]
    else:
        blocks.append(Paragraph("No pair of classes stays confused by 2 % or more whatever the algorithm."))
    if report["classical"]["of_young"]:
        blocks += _young(report)
    return blocks


def _young(report: Report) -> list[Block]:
    rows = []
    for name, some in report["classical"]["of_young"].items():
        others = [f"{label} {n:,}" for label, n in list(some["wrongly"].items())[:3]]
        rows.append([name, *_young_figures(some), ", ".join(others)])
    for name in dict.fromkeys((report["best"], "shape")):
        if name in report["algorithms"]:
            rows.append([TITLES[name], *_young_figures(report["algorithms"][name]), ""])
    names = [f"{figure}, {where}" for where in ("all", f"{MANY_BANDS}+") for figure in ("precision", "recall", "F1")]
    return [
        Heading("Young stars by the classical rules"),
        Paragraph(
            "Rules made for young stars with discs, tried on all rows: a rule says young or not. Young stars without a "
            "disc are beyond both, and dusty sources of other classes look young to both, which a rule for regions of "
            "star formation seldom meets."
        ),
        Rows(["", *names, "mostly wrong about"], rows),
    ]


def _young_figures(some) -> list[str]:
    return [
        number(some.get(where, {}).get("per_class", {}).get(YOUNG, {}).get(key))
        for where in ("all", MANY)
        for key in ("precision", "recall", "f1")
    ]
