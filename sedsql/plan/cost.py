"""Draw a line through the runs of a step: what it takes before the first row, and for each row, by the cores it has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sedsql.plan.rates import Run


@dataclass(frozen=True)
class Line:
    """A cost that grows evenly: `fixed` and `each` more for a unit of work."""

    fixed: float
    each: float

    def at(self, work: float) -> float:
        return self.fixed + self.each * work


def line(points: Sequence[tuple[float, float]]) -> Line:
    """Draw a line through the points (work, cost) of the least and of the most work.

    Where disturbed measurements would have it fall, or begin below zero, it goes through zero and the last point.
    """
    (less, first), (more, last) = min(points), max(points)
    each = (last - first) / (more - less) if more > less else 0.0
    fixed = first - each * less
    return Line(fixed, each) if each > 0 and fixed >= 0 else Line(0.0, last / more)


@dataclass(frozen=True)
class Cost:
    """What a step costs by its work and cores.

    single, several : the lines of one thread, and of as many as were measured
    threads : how many these were
    """

    single: Line
    several: Line
    threads: int

    @classmethod
    def of(cls, runs: Sequence[Run], measure: Callable[[Run], float] = lambda run: run.seconds) -> "Cost":
        most = max(run.threads for run in runs)
        single, several = (
            line([(run.work, measure(run)) for run in runs if run.threads == threads])
            for threads in (min(run.threads for run in runs), most)
        )
        return cls(single, several, most)

    @property
    def parallel(self) -> float:
        """The share of the work for each row that threads share (Amdahl 1967): 0 where only one was measured."""
        if self.threads == 1 or self.single == self.several:
            return 0.0
        gain = (1 - self.several.each / self.single.each) / (1 - 1 / self.threads)
        return min(1.0, max(0.0, gain))

    def each(self, cores: int) -> float:
        """Seconds a unit of work."""
        return self.single.each * (1 - self.parallel + self.parallel / cores)

    def seconds(self, work: float, cores: int) -> float:
        fixed = self.single.fixed if cores == 1 else self.several.fixed
        return fixed + self.each(cores) * work

    def efficiency(self, cores: int) -> float:
        """How much of so many cores is of use: 1 where each takes its part of the work."""
        return self.each(1) / (cores * self.each(cores))
