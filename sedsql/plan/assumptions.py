"""Say what a plan takes for granted, in sentences."""

from sedsql.mirror import archive
from sedsql.plan.arithmetic import A_MATCH, LARGE, Plan, in_cone
from sedsql.plan.bulk_files import COLUMNS
from sedsql.plan.cost import Cost
from sedsql.plan.rates import BUILDING, CONE, IMPORT, ON_THE_FLY, PHOTOMETRY, Rates


def assumptions(rates: Rates, plan: Plan) -> list[str]:
    """List the assumptions of a plan, with their figures."""
    cluster = plan.cluster
    said = [
        f"Rates are of {rates.machine}, of simulated skies of {_sizes(rates)} sources; your machines have such "
        "processors, and nothing else runs on them.",
        "A step takes a fixed time and, for each source, always the same: a line through two sizes. Photometry also "
        "searches the match tables once for each part of the sky.",
        _width(rates),
        f"The sky has {plan.partitions:,} HEALPix partitions, dealt out so that {_machines(plan)} has {plan.rows:,.0f} "
        "sources, with their rows of 2MASS and AllWISE; each machine keeps a mirror of its own.",
        _cores(rates, cluster.cores),
        _speeds(plan),
        f"Memory is the peak that was measured, and as much more for each further core; {_large()}.",
        f"A cone of half a degree has {in_cone(rates) * plan.sources:,.0f} sources, and lies on one machine.",
        "Queries find the files in the system's memory only as far as the speed of the disk is left out.",
    ]
    if cluster.price is not None:
        said.append(f"A core costs {cluster.price:g} an hour, whether it works or waits.")
    return said


def _sizes(rates: Rates) -> str:
    sizes = sorted({run.rows for run in rates.runs})
    return ", ".join(f"{size:,}" for size in sizes)


def _width(rates: Rates) -> str:
    own, largest = len(archive.TABLES[archive.GAIA].columns), rates.of(IMPORT)[-1]
    a_row = f"{largest.read / largest.rows:,.0f} bytes a source in gzipped files, {largest.written / largest.rows:,.0f}"
    widened = f", the sample's {own} and random values" if rates.columns > own else ""
    return (
        f"gaia_source has {rates.columns} columns{widened} (the archive's has {COLUMNS}); with 2MASS and AllWISE "
        f"{a_row} in the mirror."
    )


def _machines(plan: Plan) -> str:
    if plan.working < plan.cluster.machines:
        return f"each of {plan.working:,} machines (the others have nothing to do)"
    return f"each of {plan.working:,} machines" if plan.working > 1 else "the one machine"


def _cores(rates: Rates, cores: int) -> str:
    if rates.threads == 1:
        return "Only one thread was measured, so no gain from further cores is planned."
    if len({run.threads for run in rates.runs}) == 1:
        return f"Only {rates.threads} threads were measured, so no gain from further cores is planned."
    shares = [f"{name} {Cost.of(rates.of(name)).efficiency(cores):.0%}" for name in (*BUILDING, ON_THE_FLY)]
    measured = f"by Amdahl's law from 1 and {rates.threads} threads"
    return f"How much of {cores} cores is used, {measured}: {', '.join(shares)}; {CONE}: one."


def _speeds(plan: Plan) -> str:
    disk, network = plan.cluster.disk, plan.cluster.network
    parts = [
        f"a disk of {disk / 1e6:,.0f} MB/s" if disk else "a disk that never holds it up",
        f"{network / 1e6:,.0f} MB/s of network, by which the bulk files come" if network else "all files at hand",
    ]
    return f"Each machine has {' and '.join(parts)}; reading, computing and writing overlap."


def _large() -> str:
    sizes = (f"{name} {size / 1e9:.1f} GB" for name, size in LARGE.items())
    return (
        f"of millions of sources {', '.join(sizes)} at least, and {PHOTOMETRY} {A_MATCH:,.0f} bytes more for each "
        "source of a partition, as 1 and 10 million took"
    )
