"""What a pool has done so far, in numbers."""

from dataclasses import dataclass

from sedsql.service.workers.messages import Outcome
from sedsql.service.workers.run import Run

_WEIGHT = 0.1
"""Of the last query in the mean of seconds."""


@dataclass
class Counts:
    """Sums over the queries of a pool.

    queries, jobs : that ended, well or not
    failed, stopped : of them, those that ended with an error, and those that were cancelled
    refused : queries that were not let in, for too many waited
    rows, bytes, seconds : of the answers
    seconds_each : that a query takes, a mean in which the last ones weigh most
    """

    queries: int = 0
    jobs: int = 0
    failed: int = 0
    stopped: int = 0
    refused: int = 0
    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0
    seconds_each: float = 1.0

    def add(self, run: Run, outcome: Outcome) -> None:
        """Count a query that has run."""
        self.queries += not run.is_job
        self.jobs += run.is_job
        self.stopped += run.is_cancelled
        self.failed += outcome.error is not None and not run.is_cancelled
        self.rows += outcome.rows
        self.bytes += outcome.bytes
        self.seconds += outcome.seconds
        self.seconds_each += _WEIGHT * (outcome.seconds - self.seconds_each)

    @property
    def ended(self) -> int:
        """Queries and jobs that ended."""
        return self.queries + self.jobs
