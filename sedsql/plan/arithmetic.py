"""Follow measured rates to more sources, machines and cores."""

from dataclasses import dataclass

from sedsql.catalogue.healpix import number_of_cells
from sedsql.mirror.layout import partition_order
from sedsql.plan.cost import Cost
from sedsql.plan.rates import BUILDING, CLASSIFICATION, CONE, IMPORT, PHOTOMETRY, QUERIES, SEARCH, Rates

LARGE = {IMPORT: 0.9e9, PHOTOMETRY: 0.6e9, CLASSIFICATION: 0.6e9}
"""Bytes of memory that building steps are taken to need of many sources, where small skies need less: at least what 10
million took; a guess beyond."""

A_MATCH = 930.0
"""Bytes more that photometry needs for each source of a part of the sky, whose matches it holds: a line through what a
million sources took and what 10 million took."""


@dataclass(frozen=True)
class Cluster:
    """Machines of one kind.

    disk, network : bytes a second of each machine; None where they never hold anything up
    price : of a core for an hour; None where it is not known
    """

    machines: int = 1
    cores: int = 1
    disk: float | None = None
    network: float | None = None
    price: float | None = None


@dataclass(frozen=True)
class Step:
    """What a step takes.

    seconds : by the clock, with all machines at work
    bound_by : what it waits for: processor, disk or network
    core_hours : of all cores that are kept for it
    memory, read, written : bytes on one machine
    written_in_all : bytes on all machines
    cost : in the currency of the price
    """

    step: str
    seconds: float
    bound_by: str
    core_hours: float
    memory: float
    read: float
    written: float
    written_in_all: float
    cost: float | None


@dataclass(frozen=True)
class Plan:
    """What a sky of so many sources takes.

    partitions : HEALPix partitions of the sky
    working : machines that have a part of the sky
    rows : sources on each of these
    """

    sources: float
    cluster: Cluster
    partitions: int
    working: int
    rows: float
    steps: dict[str, Step]

    @property
    def seconds(self) -> float:
        """Time until everything is built."""
        return sum(self.steps[name].seconds for name in BUILDING)

    @property
    def core_hours(self) -> float:
        return sum(self.steps[name].core_hours for name in BUILDING)

    @property
    def written(self) -> float:
        """Bytes that a machine has on disk in the end."""
        return sum(self.steps[name].written for name in BUILDING)

    @property
    def cost(self) -> float | None:
        return None if self.cluster.price is None else self.core_hours * self.cluster.price


def plan(rates: Rates, sources: float, cluster: Cluster) -> Plan:
    """Plan each step for a sky of `sources`, whose partitions are dealt out to the machines.

    All machines work at the same time, each on its own sources, but for a cone, which lies on one.
    """
    partitions = number_of_cells(partition_order(int(sources)))
    working = min(cluster.machines, partitions)
    rows = sources / working
    steps = {}
    for name in (*BUILDING, *QUERIES):
        largest = rates.of(name)[-1]
        cost = Cost.of(rates.of(name))
        if name == CONE:
            work, cores = in_cone(rates) * sources, 1
        else:
            work, cores = rows, cluster.cores
        seconds = cost.seconds(work, cores)
        if name == PHOTOMETRY:
            seconds += rows * _more_parts(rates, partitions / working) * Cost.of(rates.of(SEARCH)).each(cores)
        read, written = (work * size / largest.work for size in (largest.read, largest.written))
        machines = 1 if name == CONE else cluster.machines
        memory = _memory(rates, name, cluster.cores, sources / partitions)
        steps[name] = _step(name, seconds, memory, read, written, machines, working, cluster)
    return Plan(sources, cluster, partitions, working, rows, steps)


def in_cone(rates: Rates) -> float:
    """The share of all sources that is in a small cone."""
    runs = rates.of(CONE)
    largest = max(run.rows for run in runs)
    return min(run.work for run in runs if run.rows == largest) / largest


def _more_parts(rates: Rates, parts: float) -> float:
    """Parts beyond those of the sky that was measured; for each, the match tables of all sources are searched."""
    measured = number_of_cells(partition_order(rates.of(PHOTOMETRY)[-1].rows))
    return max(0.0, parts - measured)


def _memory(rates: Rates, step: str, cores: int, part_rows: float) -> float:
    """The peak of a process: the measured one, with as much for each further core as the measured ones took."""
    runs = rates.of(step)
    least, most = min(run.threads for run in runs), max(run.threads for run in runs)
    single, several = (max(run.memory for run in runs if run.threads == threads) for threads in (least, most))
    a_core = max(0.0, several - single) / (most - 1) if most > 1 else 0.0
    matches = A_MATCH * part_rows if step == PHOTOMETRY else 0.0
    return max(several, LARGE.get(step, 0.0) + matches) + a_core * max(0, cores - most)


def _step(
    name: str,
    computing: float,
    memory: float,
    read: float,
    written: float,
    machines: int,
    working: int,
    cluster: Cluster,
) -> Step:
    waits = {"processor": computing}
    if cluster.disk:
        waits["disk"] = (read + written) / cluster.disk
    if cluster.network and name == IMPORT:
        waits["network"] = read / cluster.network
    bound_by = max(waits, key=lambda what: waits[what])
    core_hours = waits[bound_by] * machines * cluster.cores / 3600
    cost = None if cluster.price is None else core_hours * cluster.price
    return Step(name, waits[bound_by], bound_by, core_hours, memory, read, written, written * working, cost)
