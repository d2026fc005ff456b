"""`python -m adql.generated --queries 100000 --seed 1`, with the folder `tests` on PYTHONPATH."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .answers import Answer, told, tolerance
from .run import Difference, Report, run, worlds

CONSOLE = Console(soft_wrap=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask queries that a grammar makes up, in several ways.")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first query; the next has the next number")
    parser.add_argument("--sources", type=int, default=150, help="of the simulated sky")
    parser.add_argument("--most", type=int, default=10, help="differences of one kind to tell")
    parser.add_argument("--shrink", type=float, default=10, help="seconds to make each of them small in")
    parser.add_argument("--refused", action="store_true", help="with an example of each refusal")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        every = worlds(Path(folder), asked.sources)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=CONSOLE, disable=not CONSOLE.is_terminal) as progress:
            task = progress.add_task("queries", total=asked.queries)
            last = [time.monotonic()]

            def tell(report: Report, found: list[Difference]) -> None:
                count = len(report.differences) + report.untold
                progress.update(task, completed=report.queries, description=f"queries, {count} differences")
                for one in found:
                    _show(one)
                if not CONSOLE.is_terminal and time.monotonic() - last[0] > 60:
                    last[0] = time.monotonic()
                    CONSOLE.print(_line(report))

            report = run(every, asked.seed, asked.queries, tell, asked.shrink, asked.most)
    for kind, number in report.refused.most_common(40 if asked.refused else 12):
        CONSOLE.print(f"[dim]{number:6} refused:[/] {escape(kind)}")
        if asked.refused:
            CONSOLE.print(f"       {escape(report.examples[kind])}")
    if report.stopped:
        CONSOLE.print(f"one that was stopped: {report.examples['stopped']}", markup=False)
    CONSOLE.print(_line(report))
    return bool(report.differences)


def _line(report: Report) -> str:
    share = 100 * report.with_rows / max(1, report.queries)
    told = len(report.differences) + report.untold
    return (
        f"{report.queries} queries: {report.with_rows} gave rows ({share:.0f} %), {report.empty} none, "
        f"{sum(report.refused.values())} were refused, {report.stopped} stopped; "
        f"{report.counted} counts by astropy; {told} differences; "
        f"{report.seconds:.0f} s, {1000 * report.seconds / max(1, report.queries):.1f} ms a query"
    )


def _show(found: Difference) -> None:
    CONSOLE.print(f"\n[bold]seed {found.seed}: {escape(found.what)}[/] ({escape(found.ways)})")
    CONSOLE.print(escape(found.query.text))
    if found.query.parameters:
        CONSOLE.print(f"with {found.query.parameters}", markup=False)
    one, other = found.answers
    for way, answer in zip(found.ways.split(", "), found.answers, strict=True):
        text = f"{len(answer.rows)} rows: {str(sorted(map(str, answer.rows))[:2])[:150]}"
        if answer.error:
            text = ": ".join(answer.refusal)
        elif "columns" in found.what:
            text = ", ".join(f"{name} {kind}" for name, kind in answer.columns if (name, kind) not in _both(one, other))
        CONSOLE.print(f"  {way}: {text[:400]}", markup=False)
    if "row" in found.what and not (one.error or other.error):
        within = tolerance(found.query, engines="no rewrites" not in found.ways)
        CONSOLE.print(f"  {told(one, other, within)}", markup=False)


def _both(one: Answer, other: Answer) -> set[tuple[str, str]]:
    return {*one.columns} & {*other.columns}


sys.exit(main())
