"""What a terminal shows of work that takes its time: bars with rate and time left, on standard error."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

# A notebook shows what a command prints as it comes, with all that is to move a bar, though it has a terminal for it.
_stderr = Console(stderr=True, force_terminal=False if "JPY_PARENT_PID" in os.environ else None)

_signals: list[int] = []


def stop_on_signals() -> list[int]:
    """Let Ctrl-C and SIGTERM end the work; gives the list in which they are noted.

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


def _shows() -> bool:
    return _stderr.is_terminal or _stderr.is_jupyter


class _Rate(TextColumn):
    def __init__(self, unit: str):
        super().__init__("{task.completed}")
        self.unit = unit

    def render(self, task):
        speed = f", {task.speed:,.0f} a second" if task.speed else ""
        return f"{task.completed:,.0f} {self.unit}{speed}"


@contextmanager
def bar(what: str, unit: str = "rows") -> Iterator[Callable[..., None]]:
    """A bar for the block; call what it gives with how much is done, and of how much where that is known."""
    with stages(unit) as update:
        update(what, 0)
        yield lambda done, of=None: update(what, done, of)


def note(text: str) -> None:
    """A line beside the bars, such as why something is tried again."""
    _stderr.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def stages(unit: str = "") -> Iterator[Callable[..., None]]:
    """A bar for each stage of the block; call what it gives with the stage, how much is done, and of how much."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), _Rate(unit), TimeRemainingColumn())
    with Progress(*columns, console=_stderr, transient=True, disable=not _shows()) as progress:
        tasks: dict[str, TaskID] = {}

        def update(what: str, done: int, of: int | None = None) -> None:
            if _signals:
                raise KeyboardInterrupt
            if what not in tasks:
                for task in tasks.values():
                    progress.update(task, visible=False)
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done, total=of, visible=True)

        yield update


@contextmanager
def steps(what: str, count: int) -> Iterator[Callable[[str], None]]:
    """A bar for `count` named steps; call what it gives with the name of each as it starts."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_stderr, transient=True, disable=not _shows()) as progress:
        task = progress.add_task(what, total=count, completed=-1)

        def step(name: str) -> None:
            progress.update(task, description=f"{what}: {name}", advance=1)

        yield step
