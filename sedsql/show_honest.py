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
