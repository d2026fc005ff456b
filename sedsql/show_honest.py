"""What honest figures look like on a terminal: by origin, by absolute magnitude, and on the simulated sky."""

from collections.abc import Mapping
from typing import Any

from .show import print_rows, say


def print_origins(metrics: Mapping[str, Any]) -> None:
    """What carries over to a catalogue that training lacks."""
    say(f"By origin: {metrics['how']}")
    print_rows(
        ["origin left out", "right", "rows", "classes tested", "most of the wrong are called"],
        [
            (one["origin"], one["right"], one["rows"], ", ".join(one["classes"]), one["mostly_wrong"] or "")
            for one in metrics["by_origin"]
        ],
    )
    if metrics["not_tested"]:
        say(f"Not tested, for they stand in one origin, or nearly: {', '.join(metrics['not_tested'])}")
    say("\nAll origins together")


def print_ruled_out(name: str, found: Mapping[str, Any]) -> None:
    """Answers that absolute magnitudes rule out."""
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
    """How good a model is on the simulated sky."""
    rows = ", ".join(f"{name} {n:,}" for name, n in report["rows"].items())
    say(f"{report['model']} on {report['what']} (rows: {rows})")
    _print_figures(report)
    if "conformal" in report:
        say("\nSets of classes, simulated sources")
        print_rows(
            ["level", "hold the true class", "least covered class", "classes in a set"],
            [
                (float(level), _share(some["covered"]), _least(some["per_class"]), some["classes"])
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
    say("\nHow many Gaia DR3 has: the published number is what was simulated; with bands enough; expected by the model")
    print_rows(
        ["class", "published", "simulated", "with bands enough", "expected", "expected / these", "called so"],
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
        f"\n{_share(figures['answered'])} of the simulated sources have bands enough for an answer; "
        f"{_share(figures['right'])} of these answers are right. Expected calibration error of the default answer "
        f"{error['default_answer']:.4f}, of the most probable class {error['most_probable_class']:.4f}. "
        f"Log loss {figures['log_loss']:.4f}."
    )


_COMPLETENESS = ("completeness", "completeness_many_bands", "completeness_branch")


def _share(value: float | None) -> str:
    """A share in percent, with more digits close to none; empty without one."""
    if value is None:
        return ""
    return f"{value:.1%}" if value >= 0.01 or value == 0 else f"{100 * value:.2g}%"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _least(shares: Mapping[str, float]) -> str:
    name = min(shares, key=lambda name: shares[name])
    return f"{name} {_share(shares[name])}"
