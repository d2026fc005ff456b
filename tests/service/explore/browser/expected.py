"""What SQL says of what the page shows."""

import numpy as np

QUERY = "SELECT s.*, sed_class(s) AS class, sed_probability(s) AS probability FROM sed.photometry AS s"
"""All sources, with their classes."""


def rows_of(sql, query):
    return sql.execute(query).arrow()


def values_along(table, axis):
    """The values of an axis of a view, in doubles."""
    read = lambda name: table[name].to_numpy(zero_copy_only=False).astype(float)  # noqa: E731
    if "column" in axis:
        return read(axis["column"])
    if "minus" in axis:
        return read(axis["minus"][0]) - read(axis["minus"][1])
    parallax = read("parallax")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(parallax > 0, read(axis["absolute"]) + 5 * np.log10(parallax) - 10, np.nan)


def selected(table, views, ranges):
    """Which rows lie in all ranges."""
    chosen = np.ones(len(table), bool)
    for name, (x0, x1, *rest) in ranges.items():
        x = values_along(table, views[name]["x"])
        with np.errstate(invalid="ignore"):
            chosen &= (x >= x0) & (x <= x1)
            if rest:
                y = values_along(table, views[name]["y"])
                chosen &= (y >= rest[0]) & (y <= rest[1])
    return chosen
