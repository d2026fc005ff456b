"""Follow a query in a worker to its end, which may have to be forced."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from time import monotonic
from typing import Any

from sedsql.service.errors import Place, ServiceError
from sedsql.service.workers.faults import LimitError, too_long
from sedsql.service.workers.frames import DATA, END, ERROR, HEAD, STOP, TAKEN, TASK
from sedsql.service.workers.messages import Head, Outcome, Sendable
from sedsql.service.workers.process import Worker
from sedsql.service.workers.run import Run

_GRACE = 1.0
"""Seconds that a worker has to end a query that is to stop, before its bytes are dropped, and before it is killed."""


async def ask(
    run: Run, task: Sendable, worker: Worker, end: Callable[[Run, ServiceError], object], *advice: str
) -> Outcome | None:
    """Have a worker do a task in the time that it may take; None where the worker was gone before it began.

    task : of the run
    end : called where the time is over
    advice : what would work then, instead of what a query by TAP is told
    """
    late = None
    if run.seconds != math.inf:
        late = asyncio.get_running_loop().call_later(run.seconds, end, run, too_long(run.seconds, *advice))
    try:
        worker.tell(TASK, task.to_json())
        return await follow(run, worker)
    finally:
        if late:
            late.cancel()


async def follow(run: Run, worker: Worker) -> Outcome | None:
    """Hand over what a worker sends, until it says how the query ended, or is gone; None where it never began."""
    began = False
    while answer := await worker.receive():
        kind, content = answer
        if kind == TAKEN:
            began = True
            run.begin()
        elif kind == HEAD:
            run.come(Head(content.decode()))
        elif kind == DATA:
            await run.take(content)
        elif kind in (END, ERROR):
            return _outcome(run, json.loads(content), failed=kind == ERROR)
    if not began and run.fault is None:
        return None
    lost = ServiceError("The process that ran the query ended before it; the log of the service may say why.", 500)
    return Outcome(seconds=monotonic() - run.began, error=run.fault or lost)


def _outcome(run: Run, values: dict[str, Any], failed: bool) -> Outcome:
    error = run.fault if failed else None
    if failed and error is None:
        place = Place(*values["place"]) if values.get("place") else None
        error = (LimitError if values["limit"] else ServiceError)(values["error"], values["status"], place=place)
    known = {key: values[key] for key in ("rows", "bytes", "mime", "overflow", "told") if key in values}
    return Outcome(**known, seconds=monotonic() - run.began, error=error)


def interrupt(run: Run, worker: Worker, why: ServiceError, goes_on: Callable[[], bool]) -> None:
    """End a query that runs, for one reason, kindly at first.

    goes_on : whether it still runs
    """
    later = asyncio.get_running_loop().call_later
    run.fault = run.fault or why
    worker.tell(STOP, run.fault.message.encode())

    def drop() -> None:
        if goes_on():
            run.drop()
            later(_GRACE, kill)

    def kill() -> None:
        if goes_on():
            worker.kill()

    later(_GRACE, kill if run.is_cancelled else drop)
