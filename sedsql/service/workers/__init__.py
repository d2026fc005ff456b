"""Processes that run queries: `Pool` takes Tasks, and gives a Run for each, whose bytes come as they are computed."""

from sedsql.service.workers.messages import Head, Outcome, Task
from sedsql.service.workers.pool import Pool
from sedsql.service.workers.run import Run, StoppedError
from sedsql.service.workers.settings import Settings

__all__ = ["Head", "Outcome", "Pool", "Run", "Settings", "StoppedError", "Task"]
