"""Compose the sections of a report on how far to trust it: probabilities, leaks, published classifications."""

from collections.abc import Mapping
from typing import Any

from sedsql.learn.algorithms import ALGORITHMS
from sedsql.learn.comparison.compare import ENSEMBLE
from sedsql.learn.comparison.leaks import SEEN
from sedsql.learn.comparison.published import SURE
from sedsql.learn.evaluation import MANY, MANY_BANDS
from sedsql.plot.report.document import Block, Heading, Paragraph, Picture, Rows

Report = Mapping[str, Any]

TITLES = {**{name: some.title for name, some in ALGORITHMS.items()}, ENSEMBLE: "ensemble"}


def number(value: float | None, digits: int = 3) -> str:
    """Write a figure as a cell of a table."""
    return "-" if value is None else f"{value:,.{digits}f}"


def trust(report: Report, pictures) -> list[Block]:
    rows = [
        [
            TITLES[name], number(some["calibration_error_as_fitted"]), number(some["all"]["calibration_error"]),
            number(some.get(MANY, {}).get("calibration_error")),
        ]
        for name, some in report["algorithms"].items()
    ]  # fmt: skip
    worse = [
        TITLES[name]
        for name, some in report["algorithms"].items()
        if some["all"]["calibration_error"] > some["calibration_error_as_fitted"] + 0.005
    ]
    return [
        Heading("Whether the probabilities are true"),
        Paragraph(
            "Expected calibration error as fitted, and after a temperature that the other folds gave (support vectors "
            "have votes, which become probabilities only by the temperature):"
        ),
        Rows(["", "as fitted", "all rows", f"{MANY_BANDS}+ bands"], rows),
        *([Paragraph(_worse(worse))] if worse else []),
        Picture(pictures["reliability"], "How often the class found is right, against its probability."),
        *_worth(report, pictures),
    ]


def _worth(report: Report, pictures) -> list[Block]:
    """Compose what is known of bands and rows; a comparison may have had no time for either."""
    blocks: list[Block] = []
    if importance := report.get("importance"):
        words = (
            f"Fall of macro F1 of {TITLES[importance['algorithm']]} on a fifth of the sky when one band's place among "
            "the others is dealt out anew; bars are the scatter of three deals."
        )
        blocks.append(Picture(pictures["importance"], words))
    if learning := report.get("learning_curve"):
        words = (
            f"Macro F1 of {TITLES[learning['algorithm']]} on the same fifth, trained on more and more of the rest"
            f"{_last_step(learning['points'])}."
        )
        blocks.append(Picture(pictures["learning_curve"], words))
    return [Heading("What bands and rows are worth"), *blocks] if blocks else []


def _worse(titles: list[str]) -> str:
    return (
        f"A temperature makes {', '.join(titles)} less true: it is fitted to the likelihood of all labels, which a few "
        "rows that are sure and wrong decide."
    )


def _last_step(points: list[Mapping[str, Any]]) -> str:
    if len(points) < 2:
        return ""
    before, last = points[-2:]
    gain = last["macro_f1"] - before["macro_f1"]
    return f"; from {before['rows']:,} rows to {last['rows']:,} it changes by {gain:+.3f}"


def carried_over(leaks: Mapping[str, Any]) -> list[Block]:
    """Compose the section on the figures for a catalogue that training lacks."""
    blocks: list[Block] = [Heading("What carries over to another catalogue")]
    tested = leaks["tested_by_origin"]
    if not tested:
        why = "no class has enough rows in two origins" if leaks["origins"] else "the table has no column `origin`"
        return [
            *blocks,
            Paragraph(f"This cannot be told: {why}. On sources of other catalogues expect less than below."),
        ]
    guarded = next(line for line in leaks["lines"] if line["seen"] == SEEN[1])["same_rows"]
    words = (
        "Labels come from catalogues (origins), and each has bands, magnitudes and meanings of its own. A small "
        "gradient boosting is trained without an origin, and all versions of its catalogue, and tested on it: "
        f"{', '.join(tested)} "
        f"({leaks['rows_tested_by_origin']:,} rows), of which other origins have {leaks['least_rows']} rows or more to "
        "learn from."
    )
    if missing := leaks["not_tested_by_origin"]:
        words += f" It cannot be for {', '.join(missing)}, which stand in one origin, or nearly."
    if "origin" in guarded:
        words += f" Macro F1 is **{number(guarded['origin'])}**"
        if "sky" in guarded:
            words += f"; on the same rows, whole cells of the sky left out, {number(guarded['sky'])}"
        words += ". The figures of algorithms below leave out cells of the sky, and have every catalogue in training."
    rows = [
        [
            some["origin"],
            ", ".join(some["classes"]),
            number(some["origin_out"]),
            number(some["sky"]),
            f"{some['rows']:,}",
        ]
        for some in leaks["by_origin"]
    ]
    blocks.append(Paragraph(words))
    if rows:
        blocks += [
            Paragraph("Origin by origin, the share of its rows that is right:"),
            Rows(["origin", "classes tested", "origin left out", "sky left out", "rows"], rows),
        ]
    return blocks


def leaking(leaks: Mapping[str, Any]) -> list[Block]:
    rows = [
        [
            line["seen"],
            *(number(line["all_classes"].get(how)) for how in ("naive", "sky")),
            *(number(line["same_rows"].get(how)) for how in ("naive", "sky", "origin")),
            number(line.get("same_bands")),
        ]
        for line in leaks["lines"]
    ]
    return [
        Heading("What leaks"),
        Paragraph(
            "A small gradient boosting is shown the magnitudes without the guards of training, with them, and nothing "
            "but which bands there are; and is tested on rows at random (naive), on whole sky cells, and on a "
            "catalogue (origin) that it has not seen. Macro F1; the last column tests the sky split on rows with "
            f"{leaks['same_bands']}, all other bands taken away."
        ),
        Rows(
            [
                "seen",
                "naive",
                "sky",
                "naive, same rows",
                "sky, same rows",
                "origin",
                f"sky, only {leaks['same_bands']}",
            ],
            rows,
        ),
        Paragraph("The columns `same rows` have the rows that the origin split can test, by the other splits."),
    ]


def published(report: Report) -> list[Block]:
    blocks: list[Block] = [
        Heading("Published settings"),
        Paragraph(
            f"What the {TITLES[report['best']]} does in the classes of published classifications: probabilities summed "
            "in each of their classes, rows of classes without a place there left out, on rows with the bands nearest "
            "to theirs and these alone. Their precisions and recalls were measured on their own labelled sources and "
            "are not set beside ours: precision depends on the mixture of classes in a table, recall on how sources "
            "were selected, and no figure is quoted here that could not be checked against the paper."
        ),
    ]
    for some in report["published"]:
        blocks += [Heading(some["paper"], 3), Paragraph(f"{some['abstract']} {some['other']}")]
        ours = some["ours"]
        if ours is None:
            blocks.append(Paragraph("This table has too few of these classes, or of these bands, to compare."))
            continue
        rows = [
            [
                name,
                ", ".join(some["groups"][name]),
                *(number(c[k]) for k in ("precision", "recall", "f1")),
                f"{c['rows']:,}",
            ]
            for name, c in ours["per_class"].items()
        ]
        sure = ours["sure"]
        right = f", and {100 * sure['right']:.1f} % of these are right" if sure["right"] is not None else ""
        blocks += [
            Rows(["their class", "our classes", "precision", "recall", "F1", "rows"], rows),
            Paragraph(
                f"Macro F1 {ours['macro_f1']:.3f} on {ours['rows']:,} rows, seen with: {some['bands']}. "
                f"{100 * sure['share_of_rows']:.1f} % of the rows have a class at a probability of "
                f"{100 * SURE:.0f} % or more{right}."
            ),
        ]
    return blocks
