"""Show the progress of work that takes its time: bars with rate and time left, on standard error."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn, TaskID

LINE_SECONDS = 10.0
"""Lines in place of a bar come no more often."""

_signals: list[int] = []


def stop_on_signals() -> list[int]:
    """Let Ctrl-C and SIGTERM end the work; return the list in which they are noted.

    They are noted since an exception alone can get lost: pyarrow swallows it while it imports pandas.
    """
    _signals.clear()

    def stop(number: int, _: FrameType | None) -> None:
        _signals.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup asks
            signal.signal(number, stop)
    return _signals


def ignore_signals() -> None:
    """Ignore Ctrl-C and SIGTERM from now on: the work has ended, and what is left is to say so."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _check_signals() -> None:
    if _signals:
        raise KeyboardInterrupt


@cache
def _stderr() -> Console:
    from rich.console import Console  # rich takes a tenth of a second, and short work shows no bar

    # A notebook shows what a command prints as it comes, with all that is to move a bar, though it has a terminal.
    return Console(stderr=True, force_terminal=False if "JPY_PARENT_PID" in os.environ else None)


def may_be_terminal(stream: TextIO) -> bool:
    """Tell, without importing rich, whether rich may take a stream for a terminal."""
    return stream.isatty() or any(os.environ.get(name) for name in ("FORCE_COLOR", "TTY_COMPATIBLE"))


def _is_shown() -> bool:
    """Tell whether bars can be seen, on a terminal or in a notebook."""
    if not (may_be_terminal(sys.stderr) or "IPython" in sys.modules):
        return False
    return _stderr().is_terminal or _stderr().is_jupyter


def _progress(*columns: ProgressColumn) -> Progress:
    """Make lines of a spinner, a description, a bar and these columns."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    common = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
    return Progress(*common, *columns, console=_stderr(), transient=True)


def _rate(unit: str) -> ProgressColumn:
    """Make a column of how much is done, and how much of it a second."""
    from rich.progress import Task, TextColumn
    from rich.text import Text

    class Rate(TextColumn):
        def render(self, task: Task) -> Text:
            speed = f", {task.speed:,.0f} a second" if task.speed else ""
            return Text(f"{task.completed:,.0f} {unit}{speed}")

    return Rate("")


@contextmanager
def bar(what: str, unit: str = "rows") -> Iterator[Callable[..., None]]:
    """Show a bar for the block; call what it gives with how much is done, and of how much where that is known."""
    with stages(unit) as update:
        update(what, 0)
        yield lambda done, of=None: update(what, done, of)


def note(text: str) -> None:
    """Print a line beside the bars, such as why something is tried again."""
    _stderr().print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def stages(unit: str = "") -> Iterator[Callable[..., None]]:
    """Show a bar for each stage of the block; call what it gives with the stage, how much is done, and of how much."""
    if not _is_shown():
        yield lambda what, done, of=None: _check_signals()
        return
    from rich.progress import TimeRemainingColumn

    with _progress(_rate(unit), TimeRemainingColumn()) as progress:
        tasks: dict[str, TaskID] = {}

        def update(what: str, done: int, of: int | None = None) -> None:
            _check_signals()
            if what not in tasks:
                for task in tasks.values():
                    progress.update(task, visible=False)
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done, total=of, visible=True)

        yield update


def _lines(what: str, count: int) -> Callable[[str], None]:
    """Print a line for a step, as a log would have it, at most every LINE_SECONDS."""
    begun = last = time.monotonic()
    done = 0

    def step(name: str) -> None:
        nonlocal last, done
        done += 1
        now = time.monotonic()
        if now - last >= LINE_SECONDS:
            last = now
            note(f"{what}: {name} (step {done} of {count}, after {(now - begun) / 60:.1f} min)")

    return step


@contextmanager
def steps(what: str, count: int) -> Iterator[Callable[[str], None]]:
    """Show a bar for `count` named steps; call what it gives with the name of each as it starts.

    Without a terminal a line is printed now and then.
    """
    if not _is_shown():
        yield _lines(what, count)
        return
    from rich.progress import TimeElapsedColumn

    with _progress(TimeElapsedColumn()) as progress:
        task = progress.add_task(what, total=count, completed=-1)

        def step(name: str) -> None:
            progress.update(task, description=f"{what}: {name}", advance=1)

        yield step
