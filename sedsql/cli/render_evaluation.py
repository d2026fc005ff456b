"""Print models, how good they are, and what explains the class of a source."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sedsql.cli.render import print_rows, say
from sedsql.inference.model import Model


def print_models(models: Mapping[str, Model], broken: Mapping[str, str]) -> None:
    """Print a line for each model; those in `broken` are refused."""
    rows = []
    for name, model in models.items():
        scores = model.card.metrics.get("all", {})
        state = "REFUSED" if name in broken else "verified"
        figures = (len(model.classes), len(model.bands), model.min_bands)
        rows.append((name, *figures, scores.get("macro_f1"), scores.get("calibration_error"), state))
    print_rows(["model", "classes", "bands", "min_bands", "macro F1", "calibration error", "file"], rows)
    say("Macro F1 and expected calibration error on sky that training did not see.", style="dim")


def print_scores(metrics: Mapping[str, Any]) -> None:
    """Print how good a model is: each class, then all together, then what the sets cover."""
    from sedsql.learn.evaluation import ROWS

    print_rows(
        ["class", "precision", "recall", "F1", "rows"],
        [(name, s["precision"], s["recall"], s["f1"], s["rows"]) for name, s in metrics["all"]["per_class"].items()],
    )
    say("")
    some = [(words, metrics[key]) for key, words in ROWS.items() if key in metrics]
    print_rows(
        ["", "macro F1", "weighted F1", "calibration error", "rows"],
        [(words, s["macro_f1"], s["weighted_f1"], s["calibration_error"], s["rows"]) for words, s in some],
    )
    say("")
    print_rows(
        ["", "macro F1", "rows"],
        [
            *((f"only {name}", s["macro_f1"], s["rows"]) for name, s in metrics["same_bands"].items()),
            *((name, s["all"], metrics["all"]["rows"]) for name, s in metrics.get("baselines", {}).items()),
        ],
    )
    if metrics.get("young_by_stage"):
        say("")
        print_rows(
            ["young stars of stage", "found", "rows"],
            [(name or "unknown", s["recall"], s["rows"]) for name, s in metrics["young_by_stage"].items()],
        )
    if "conformal" in metrics:
        say("")
        print_rows(
            ["sets at level", "covered", "least covered class", "classes in a set"],
            [
                (float(level), s["covered"], _least(s["per_class"]), s["classes"])
                for level, s in metrics["conformal"].items()
            ],
        )


def print_explanation(found: Mapping[str, Any]) -> None:
    """Print the class of a source, what each band adds to its probability, and its neighbours."""
    prediction = found["prediction"]
    _print_values(found["mapping"])
    if prediction["class"] is None:
        say(f"No class: the source has {prediction['n_bands']} of the bands, and {prediction['model']} needs more.")
        return
    say(f"{' > '.join(prediction['path'])}, with probability {prediction['probability']:.3f}")
    if prediction["outlier"] is not None:
        say(f"{prediction['outlier']:.0%} of the training sources are more usual", style="dim")
    if "set" in found:
        say(f"not excluded at 95 %: {', '.join(found['set']) or 'none'}", style="dim")
    say("")
    bands = sorted(found["contributions"].items(), key=lambda item: -abs(item[1]))
    print_rows(["band", "adds to the probability"], [(name, round(value, 4)) for name, value in bands])
    if "neighbours" in found:
        say("")
        rows = [(n["label"], round(n["distance"], 3), n["row"]) for n in found["neighbours"]]
        print_rows(["nearest training sources", "distance, mag", "row"], rows)


def _print_values(mapping: Sequence[Mapping[str, Any]]) -> None:
    """Print a source's values, and the columns that they come from."""
    rows = [(one["column"], one["name"], one["unit"] or "", one["value"]) for one in mapping]
    print_rows(["column", "taken as", "unit", "value"], rows)
    say("")


def print_origins(metrics: Mapping[str, Any]) -> None:
    """Print how good a model is on each catalogue that its training left out."""
    say(f"By origin: {metrics['how']}")
    print_rows(
        ["origin left out", "right", "rows", "classes tested", "most of the wrong are called"],
        [
            (one["origin"], one["right"], one["rows"], ", ".join(one["classes"]), one["mostly_wrong"] or "")
            for one in metrics["by_origin"]
        ],
    )
    if metrics["not_tested"]:
        say(f"Not tested, because other origins have too few rows: {', '.join(metrics['not_tested'])}")
    say("\nAll origins together")


def print_ruled_out(name: str, found: Mapping[str, Any]) -> None:
    """Print the answers that absolute magnitudes rule out."""
    field = found["field"]
    say(
        f"{field['table']}: {field['rows_with_a_sure_parallax']:,} of {field['rows_asked_for']:,} sources have G and a "
        f"parallax of more than ten times its error; {name} has an answer for {field['rows_answered']:,} of them."
    )
    for key, words in (("class", "most probable class"), ("default_answer", "default answer")):
        some = found[key]
        say("")
        rows = [
            (name, one["found"], one["ruled_out"], f"{one['share']:.1%}", found["limits"].get(name, ""))
            for name, one in some["per_class"].items()
        ]
        share = "" if some["share"] is None else f"{some['share']:.1%}"
        print_rows(
            [words, "sources", "ruled out", "share", "possible"],
            [*rows, ("all", some["found"], some["ruled_out"], share, "")],
        )


def print_sky(report: Mapping[str, Any]) -> None:
    """Print how good a model is on the simulated sky."""
    rows = ", ".join(f"{name} {n:,}" for name, n in report["rows"].items())
    say(f"{report['model']} on {report['what']} (rows: {rows})")
    _print_figures(report)
    if "conformal" in report:
        say("\nSets of classes, simulated sources")
        print_rows(
            ["level", "hold the true class", "least covered class", "classes in a set"],
            [
                (float(level), _share(some["covered"]), _least(some["per_class"], _share), some["classes"])
                for level, some in report["conformal"].items()
            ],
        )
    if "oracle" in report:
        say("\nThe oracle: a classifier fitted to other rows of this simulation, on the same simulated sources")
        _print_figures(report["oracle"])


def _print_figures(figures: Mapping[str, Any]) -> None:
    classes = figures["classes"]
    say("\nAt the default answer, simulated sources weighted as on the sky")
    names = ["class", "purity", "at least", "completeness", "of 6+ bands", "in its branch", "mostly wrong", "by it"]
    print_rows(
        names,
        [
            (
                label,
                *(_share(some[key]) for key in ("purity", "purity_at_least", *_COMPLETENESS)),
                some["mostly_wrong"] or "",
                _share(some["its_share"]) if some["mostly_wrong"] else "",
            )
            for label, some in classes.items()
        ],
    )
    say("\nNumbers in Gaia DR3: published, which the simulation has; with enough bands; and expected by the model")
    print_rows(
        ["class", "published", "simulated", "with enough bands", "expected", "expected / these", "called so"],
        [
            (
                label,
                *(_number(some[key]) for key in ("published", "number", "answered", "expected")),
                _ratio(some["ratio"]),
                _number(some["called"]),
            )
            for label, some in classes.items()
        ],
    )
    say("\nDefault answers, simulated sources")
    print_rows(
        ["answer", "share of sources", "right"],
        [(node, _share(some["share"]), _share(some["right"])) for node, some in figures["default_answer"].items()],
    )
    error = figures["calibration_error"]
    say(
        f"\n{_share(figures['answered'])} of the simulated sources have enough bands for an answer; "
        f"{_share(figures['right'])} of these answers are right. Expected calibration error of the default answer "
        f"{error['default_answer']:.4f}, of the most probable class {error['most_probable_class']:.4f}. "
        f"Log loss {figures['log_loss']:.4f}."
    )


_COMPLETENESS = ("completeness", "completeness_many_bands", "completeness_branch")


def _share(value: float | None) -> str:
    """Write a share in percent, with more digits where it is small; empty without one."""
    if value is None:
        return ""
    return f"{value:.1%}" if value >= 0.01 or value == 0 else f"{100 * value:.2g}%"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _least(shares: Mapping[str, float], shown: Callable[[float], str] = str) -> str:
    name = min(shares, key=lambda name: shares[name])
    return f"{name} {shown(shares[name])}"
