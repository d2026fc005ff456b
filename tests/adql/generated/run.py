"""Many queries, each asked in several ways."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from sedsql import native
from sedsql.adql.optimizer.rules import REWRITES

from .answers import Answer, Side, difference
from .choices import Choices, shrunk
from .oracle import Oracle
from .queries import Queries, Query
from .tables import places, write_mirror, write_small_model

FASTEST = "native" if native.path() else "onnx"
SHIPPED = ("shape-2", "sky-1", "lite-2", "luminosity-2")
SOURCES = 150
COUNTED = 4
"""Of so many queries one more counts rows that astropy counts as well."""


@dataclass
class World:
    """A set of models, and the ways in which it is asked: `fast` with all rewrites, `plain` with none."""

    models: tuple[str, ...]
    fast: Side
    plain: Side
    others: list[Side]
    places: list[tuple[float, float]]

    @cached_property
    def oracle(self) -> Oracle:
        return Oracle(self.plain, self.places)

    def query(self, choices: Choices) -> Query:
        return Queries(choices, self.fast.tables, self.places, self.models).query()


@dataclass
class Difference:
    """A query to which two ways give different answers."""

    seed: int
    what: str
    ways: str
    query: Query
    answers: tuple[Answer, Answer]


@dataclass
class Report:
    """What came of the queries."""

    queries: int = 0
    with_rows: int = 0
    empty: int = 0
    stopped: int = 0
    untold: int = 0
    counted: int = 0
    refused: Counter = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    seconds: float = 0.0


def worlds(folder: Path, sources: int = SOURCES) -> list[World]:
    """The shipped models with two engines, over stored rows, and a small one with plain SQL besides, over a join."""
    mirror, joined, small = folder / "sky", folder / "joined", folder / "small"
    for place, stores in ((mirror, True), (joined, False)):
        if not place.exists():
            write_mirror(place, sources, stores=stores)
    write_small_model(small)
    one = {"models": [small], "default": "sky-1"}
    shipped = World(
        SHIPPED,
        Side("all rewrites", mirror, engine=FASTEST),
        Side("no rewrites", mirror, engine=FASTEST, rewrites=()),
        [Side("ONNX Runtime", mirror, engine="onnx")],
        [],
    )
    shipped.places = around = places(shipped.fast.connection)
    of_one = World(
        ("sky-1",),
        Side("all rewrites", joined, engine=FASTEST, **one),
        Side("no rewrites", joined, engine=FASTEST, rewrites=(), **one),
        [Side("ONNX Runtime", joined, engine="onnx", **one), Side("plain SQL", joined, engine="sql", **one)],
        around,
    )
    return [shipped, of_one]


def answered(
    world: World, query: Query, seed: int, wanted: str | None = None
) -> Iterator[tuple[str, Answer, Answer, str]]:
    """Pairs of ways, their answers, and what differs between them; of one pair alone if it is `wanted`."""
    text, parameters = query.text, query.parameters
    plain = world.plain.ask(text, parameters)

    @cache
    def whole() -> Answer:
        return world.plain.ask(query.untopped, parameters)

    if wanted is None or not wanted.startswith(tuple(REWRITES)):
        fast = world.fast.ask(text, parameters)
        yield "all rewrites, no rewrites", fast, plain, difference(query, fast, plain, whole=whole)
    if seed % 4 == 3:
        name = [*REWRITES][seed // 4 % len(REWRITES)]
        ways = f"{name} alone, no rewrites"
        if wanted in (None, ways):
            single = world.plain.ask(text, parameters, rewrites=(name,))
            yield ways, single, plain, difference(query, single, plain, whole=whole)
    for side in world.others if "models" in query.notes else ():
        ways = f"all rewrites, {side.name}"
        if wanted in (None, ways):
            other = side.ask(text, parameters)
            yield ways, fast, other, difference(query, fast, other, engines=True, whole=whole)


def look(world: World, seed: int, given: list[int] | None = None, wanted: tuple[str, str] | None = None):
    """The choices of a query, the query, the answer with all rewrites, and the first or the `wanted` difference."""
    choices = Choices(seed, given)
    query = world.query(choices)
    first = None
    for ways, one, other, what in answered(world, query, seed, wanted and wanted[0]):
        first = first or one
        if what and wanted in (None, (ways, what)):
            return choices.made, query, first, Difference(seed, what, ways, query, (one, other))
    return choices.made, query, first, None


def run(
    every: list[World],
    first: int,
    queries: int,
    told: Callable[[Report, list[Difference]], None] = lambda report, found: None,
    shrink: float = 0.0,
    most: int = 50,
) -> Report:
    """Ask so many queries, of the seeds from `first` on.

    told : is called after each query, with the differences that it made
    shrink : seconds to make each difference small in
    most : differences of one kind, after which no more of the kind are kept
    """
    report, began = Report(), time.monotonic()
    known: Counter = Counter()
    for seed in range(first, first + queries):
        world = every[seed % 8 == 1]
        made, query, answer, found = look(world, seed)
        _count(report, query, answer)
        report.seconds = time.monotonic() - began
        wrong = [found] if found else []
        if seed % COUNTED == 0:
            report.counted += 1
            wrong += miscounted(world, seed)
        kept = []
        for one in wrong:
            known[one.ways, one.what] += 1
            if known[one.ways, one.what] > most:
                report.untold += 1
            else:
                kept.append(_smaller(world, made, one, shrink) if shrink and one is found else one)
        report.differences += kept
        told(report, kept)
    return report


def miscounted(world: World, seed: int) -> Iterator[Difference]:
    """Counts of rows that are not what astropy gives."""
    count = world.oracle.count(seed)
    query = Query(count.text, count.text, [], [], set())
    for side in (world.fast, world.plain):
        answer = side.ask(count.text, [])
        if answer.error or not count.least <= answer.rows[0][0] <= count.most:
            expected = Answer((("n", "BIGINT"),), ((count.least,), (count.most,)))
            yield Difference(seed, "count of rows", f"{side.name}, astropy", query, (answer, expected))


def _smaller(world: World, made: list[int], found: Difference, seconds: float) -> Difference:
    wanted = found.ways, found.what
    best = [found]
    until = time.monotonic() + seconds

    def fails(given: list[int]) -> bool:
        if time.monotonic() > until:
            return False
        _, query, _, again = look(world, found.seed, given, wanted)
        if again is None or len(query.text) > len(best[0].query.text):
            return False
        best[0] = again
        return True

    shrunk(made, fails, 2_000)
    return best[0]


def _count(report: Report, query: Query, fast: Answer) -> None:
    report.queries += 1
    if fast.stopped:
        report.stopped += 1
        report.examples.setdefault("stopped", query.text)
    elif fast.error:
        kind = f"{type(fast.error).__name__}: {str(fast.error).splitlines()[0][:70]}"
        report.refused[kind] += 1
        report.examples.setdefault(kind, query.text)
    elif fast.rows:
        report.with_rows += 1
    else:
        report.empty += 1
