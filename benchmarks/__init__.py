"""Benchmarks, one file for each question; `sedsql bench` runs them and writes RESULTS.md."""

NAMES = (
    "functions",
    "batches",
    "libraries",
    "scans",
    "spark",
    "scaling",
    "tables",
    "tap",
    "served",
    "explored",
    "rewrites",
    "answers",
    "joins",
    "sky",
    "sample",
    "mirror",
    "download",
    "plan",
    "translate",
)
"""The modules that `sedsql bench` runs, in the order of RESULTS.md; each has `run(Setting) -> Section`."""
