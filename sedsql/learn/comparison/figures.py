"""Draw the pictures of a comparison with matplotlib, in colours that colour-blind readers can distinguish."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sedsql.files.atomic import new_file
from sedsql.learn.comparison.diagnosis import RECALLS
from sedsql.learn.evaluation import MANY, MANY_BANDS
from sedsql.plot.evaluation import confusion_panel
from sedsql.plot.style import BLUE, ORANGE, style

# Okabe & Ito 2008, "Color Universal Design", with dark red instead of yellow; marks distinguish the algorithms too.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#882255", "#000000")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", "*")
Report = Mapping[str, Any]


def draw(report: Report, titles: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Draw all pictures of a report into a folder, and return the file name of each by its subject."""
    result = {}
    drawings: dict[str, Callable[..., Any]] = {
        "algorithms": _algorithms,
        "cost": _cost,
        "confusion": _confusion,
        "precision_recall": _precision_recall,
        "reliability": _reliability,
        "importance": _importance,
        "learning_curve": _learning_curve,
    }
    with style() as plt:
        folder.mkdir(exist_ok=True)
        for name, drawing in drawings.items():
            if name in ("importance", "learning_curve") and name not in report:
                continue  # there was no time for it
            figure = drawing(plt, report, titles)
            with new_file(folder / f"{name}.png", force=True) as partial:
                figure.savefig(partial, dpi=110, pil_kwargs={"optimize": True})
            plt.close(figure)
            result[name] = f"{name}.png"
    return result


def _look(report: Report) -> dict[str, dict[str, str]]:
    """Choose a colour and a mark for each algorithm, the same in all pictures."""
    look = zip(report["algorithms"], _COLOURS, _MARKS, strict=False)
    return {name: {"color": colour, "marker": mark} for name, colour, mark in look}


def _algorithms(plt, report: Report, titles):
    lines = [(titles[name], some, True) for name, some in report["algorithms"].items()]
    lines += [(name, some, False) for name, some in report["classical"]["of_class"].items()]
    lines.sort(key=lambda line: line[1]["all"]["macro_f1"])
    figure, axes = plt.subplots(figsize=(6.4, 0.3 * len(lines) + 0.9))
    for place, (_, some, ours) in enumerate(lines):
        colour = BLUE if ours else "0.45"
        axes.plot(some["all"]["macro_f1"], place, "o", color=colour)
        if MANY in some:
            axes.plot(some[MANY]["macro_f1"], place, "o", color=colour, markerfacecolor="white")
    axes.plot([], [], "o", color="0.2", label="all rows")
    axes.plot([], [], "o", color="0.2", markerfacecolor="white", label=f"rows with {MANY_BANDS} bands or more")
    axes.legend(frameon=False, loc="upper left")
    axes.set_yticks(range(len(lines)), [name for name, _, _ in lines])
    axes.set_xlim(0, 1)
    axes.set_xlabel("macro F1, on sky that the fit did not see (blue: algorithms, grey: classical ways)")
    return figure


def _cost(plt, report: Report, titles):
    figure, axes = plt.subplots(figsize=(6.4, 3.6))
    look = _look(report)
    for name, some in report["algorithms"].items():
        axes.plot(
            some["microseconds_a_row"], some["all"]["macro_f1"], linestyle="none", markersize=8, label=titles[name],
            **look[name],
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlabel("time to classify a row, one thread [µs]")
    axes.set_ylabel("macro F1, all rows")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _confusion(plt, report: Report, titles):
    parts = report["confusion"]
    size = 0.42 * len(report["classes"]) + 1.3
    figure, panels = plt.subplots(1, len(parts), figsize=(size * len(parts), size), squeeze=False, sharey=True)
    words = {"all": "all rows", MANY: f"rows with {MANY_BANDS} bands or more"}
    for axes, (name, matrix) in zip(panels[0], parts.items(), strict=True):
        confusion_panel(axes, np.array(matrix, float), report["classes"])
        axes.set_title(words[name])
    panels[0][0].set_ylabel("class in the table")
    figure.suptitle(f"{titles[report['best']]}: % of each class", fontsize=9)
    return figure


def _precision_recall(plt, report: Report, titles):
    curves = report["precision_recall"]
    columns = min(4, len(curves))
    rows = -(-len(curves) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(2.2 * columns, 1.9 * rows + 0.5), sharex=True, sharey=True, squeeze=False
    )
    best = report["algorithms"][report["best"]]["all"]["per_class"]
    for axes, (name, curve) in zip(panels.flat, curves.items(), strict=False):
        axes.plot(RECALLS, curve["precision"], color=BLUE)
        axes.plot(best[name]["recall"], best[name]["precision"], "o", color=ORANGE)
        axes.set_title(f"{name}: {curve['average_precision']:.2f}")
    for axes in panels.flat[len(curves) :]:
        axes.set_visible(False)
    panels[0][0].set_xlim(0, 1.02)
    panels[0][0].set_ylim(0, 1.05)
    figure.supxlabel("recall")
    figure.supylabel("precision")
    figure.suptitle(f"{titles[report['best']]}: average precision; the dot is the most probable class", fontsize=9)
    return figure


def _reliability(plt, report: Report, titles):
    figure, panels = plt.subplots(1, 2, figsize=(8.6, 3.6), sharex=True, sharey=True)
    look = _look(report)
    parts = (("reliability_as_fitted", "as fitted"), ("reliability", "after a temperature"))
    for axes, (key, words) in zip(panels, parts, strict=True):
        axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1)
        for name, some in report["algorithms"].items():
            points = [(point["probability"], point["right"]) for point in some[key]]
            strong = name == report["best"]
            axes.plot(
                *np.array(points).reshape(-1, 2).T, label=titles[name], markersize=5 if strong else 3.5,
                linewidth=2.2 if strong else 0.9, zorder=3 if strong else 2, **look[name],
            )  # fmt: skip
        axes.set_title(words)
        axes.set_xlabel("probability of the class found")
    panels[0].set_ylabel("how often it is right")
    panels[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _importance(plt, report: Report, titles):
    bands = report["importance"]["bands"]
    figure, axes = plt.subplots(figsize=(6.4, 2.6))
    axes.bar(
        list(bands), [some["mean"] for some in bands.values()], yerr=[some["spread"] for some in bands.values()],
        color=BLUE, ecolor="0.2", capsize=3,
    )  # fmt: skip
    axes.grid(axis="x", visible=False)
    axes.axhline(0, color="0.4", linewidth=0.8)
    axes.set_xlabel("band that is dealt out anew")
    axes.set_ylabel("fall of macro F1")
    axes.set_title(titles[report["importance"]["algorithm"]])
    return figure


def _learning_curve(plt, report: Report, titles):
    points = report["learning_curve"]["points"]
    figure, axes = plt.subplots(figsize=(6.4, 2.8))
    axes.plot([p["rows"] for p in points], [p["macro_f1"] for p in points], "o-", color=BLUE)
    axes.set_xscale("log")
    axes.set_xticks([p["rows"] for p in points], [f"{p['rows']:,}" for p in points])
    axes.minorticks_off()
    axes.set_xlabel("rows trained on (whole sky cells)")
    axes.set_ylabel("macro F1, a fifth of the sky")
    axes.set_title(titles[report["learning_curve"]["algorithm"]])
    return figure
