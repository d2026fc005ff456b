"""Plan what a large sky would take on some machines: time, memory, disk and cost, from rates measured on this one.

`measure` runs the steps on a small simulated sky, each in a process of its own (`steps`); `rates` holds what they took,
`cost` draws lines through it, and `arithmetic` follows the lines to more sources, machines and cores.
"""

from sedsql.errors import Error


class PlanError(Error):
    """Raised for rates that are no use, and for measuring that failed."""
