"""One file a question; `sedsql bench` runs them and writes RESULTS.md."""

NAMES = (
    "functions",
    "libraries",
    "scans",
    "tap",
    "rewrites",
    "answers",
    "joins",
    "sky",
    "sample",
    "mirror",
    "download",
    "translate",
)
"""The modules here that `sedsql bench` knows, in the order of RESULTS.md; each has `run(Setting) -> Section`."""
