"""Rates of a machine of which a plan can be computed by hand."""

from sedsql.plan.rates import BUILDING, CONE, COUNT, ON_THE_FLY, SEARCH, Rates, Run


def runs_of(step, fixed, each, shared):
    """Runs of a step that takes `fixed` seconds and `each` a row, of which two threads share a part."""
    found = []
    for rows in (1_000, 4_000):
        for threads in (1, 2):
            seconds = fixed + rows * each * (1 - shared + shared / threads)
            found.append(Run(step, rows, rows, threads, seconds, seconds, 1e8 * threads, 10.0 * rows, 5.0 * rows))
    return found


def rates_of(*, search=0.0, shared=0.5):
    runs = [run for name in (*BUILDING, COUNT, ON_THE_FLY) for run in runs_of(name, 2.0, 1e-3, shared)]
    runs += runs_of(SEARCH, 0.0, search, 0.0)
    for rows in (1_000, 4_000):
        for share in (0.01, 0.5):
            work = rows * share
            for threads in (1, 2):
                seconds = 0.01 + 1e-6 * work
                runs.append(Run(CONE, rows, work, threads, seconds, seconds, 1e8, 40.0 * work))
    return Rates("a machine", 152, tuple(runs))
