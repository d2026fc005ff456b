"""Measure `sedsql serve` against a TAP service of the same rows, GAVO DaCHS, on this machine, by the same clients.

Four questions: how long the queries of benchmarks/tap.py take; how quickly a large answer comes, and in how much
memory; what becomes of many clients at once; and what users wait who ask one query a second, as all users of the Gaia
Archive together do.
"""

import http.client
import json
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import numpy as np
import requests

import sedsql
from sedsql.files.resources import folder
from sedsql.tap import votable

from . import clients, service, tap
from .measure import Section, Setting, child, figure, in_turns, machine, versions
from .sedsql_server import Server, running

FULL, QUICK = 1_000_000, 20_000
COLUMNS = "source_id, ra, dec, parallax, parallax_error, pm, phot_g_mean_mag, phot_bp_mean_mag, phot_rp_mean_mag, ruwe"
COPIES = 5
"""A large answer has every source so many times."""
CLIENTS, LOAD_SECONDS, REPLAY_SECONDS = 64, 120, 600
MB = 1 << 20


def run(setting: Setting) -> Section:
    """Measure all four."""
    section = Section("A TAP service: sedsql serve", quick=setting.quick)
    mirror = setting.mirror or setting.sample(QUICK if setting.quick else FULL)
    with ExitStack() as stack:
        server = stack.enter_context(running(mirror))
        other = _other(section, stack, mirror)
        section.say(
            f"{machine()}; {versions('pyvo', 'starlette', 'uvicorn')}.",
            "Both services have the same rows, and both run on the cores that their clients use.",
        )
        _queries(section, setting, mirror, server, other)
        _large(section, server, other)
        _many(section, server, seconds=5 if setting.quick else LOAD_SECONDS)
        _replay(section, server, seconds=10 if setting.quick else REPLAY_SECONDS)
    return section


def _other(section: Section, stack: ExitStack, mirror: Path) -> str | None:
    """Start DaCHS, and give its URL; None where it cannot run."""
    try:
        return stack.enter_context(service.serve(mirror))
    except Exception as error:  # NoDachsError of the tests, which are not imported here, or a failed start
        section.note(f"DaCHS: not measured: {error}")
        return None


def _queries(section: Section, setting: Setting, mirror: Path, server: Server, other: str | None) -> None:
    import pyvo

    section.head("Queries")
    section.say(
        "With pyvo, a query's time is that of `pyvo.dal.TAPService.search(...).to_table()`, most of which pyvo itself "
        "takes where there are thousands of rows. The last columns are the time until the answer's bytes are there. "
        "(*) DaCHS has no models: the rows are fetched from it, and with pyvo classified in Python."
    )

    def ask(url: str, query: str) -> object:
        return pyvo.dal.TAPService(url).search(query, maxrec=tap.MOST_ROWS).to_table()

    with sedsql.connect(mirror) as con:
        (source_id,) = con.duckdb.execute("SELECT min(source_id) FROM gaiadr3.gaia_source").fetchone()
    examples = {path.stem for path in (folder("sql") / "examples").glob("*.adql")}
    lines, ratios = [], []
    for question in tap.questions(source_id):
        competitors: dict[str, tap.Ask] = {"sedsql": partial(ask, server.url, question.adql)}
        if other:
            competitors["DaCHS"] = partial(tap.from_service, partial(ask, other), question)
        line, times = tap.race(section, question, competitors, setting, ["DaCHS"])
        bare = _bytes_in_turns(server.url, other if "DaCHS" in times else None, question, setting)
        lines.append([*line[:-1], *(figure(one * 1e3) for one in bare.values()), line[-1]])
        if "DaCHS" in times:
            ratio = bare["DaCHS"] / bare["sedsql"]
            ratios.append((question.name in examples, times["DaCHS"] / times["sedsql"], ratio))
            lines[-1].insert(-1, figure(ratio))
    names = ["query", "rows", "sedsql, ms", "DaCHS, ms", "ratio", "sedsql, bytes, ms", "DaCHS, bytes, ms", "ratio"]
    section.table([*names, "same rows"], lines)
    if not ratios:
        return
    section.aim(
        "DaCHS against sedsql serve, median ratio of the examples that the service shows (sql/examples)",
        statistics.median(ratio for is_example, ratio, _ in ratios if is_example),
        least=10,
    )
    section.aim("DaCHS against sedsql serve, least ratio", min(ratio for _, ratio, _ in ratios), least=1)
    medians = (figure(statistics.median(one)) for one in zip(*(pair for _, *pair in ratios), strict=True))
    section.note("Median ratio of all queries: {} with pyvo, {} of the bytes alone".format(*medians))


def _bytes_in_turns(ours: str, other: str | None, question: tap.Question, setting: Setting) -> dict[str, float]:
    """Median seconds until the bytes of the answers are there."""
    asked = {"sedsql": (ours, question.adql)} | ({"DaCHS": (other, question.service)} if other else {})
    session = requests.Session()

    def ask(url: str, query: str) -> None:
        values = {"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": query, "MAXREC": tap.MOST_ROWS}
        answer = session.post(f"{url}/sync", values)
        answer.raise_for_status()
        assert b'value="ERROR"' not in answer.content[-1000:]

    found = in_turns(
        {name: partial(ask, *one) for name, one in asked.items()}, 3, patience=20, enough=0.1 if setting.quick else 1.0
    )
    return {name: one.median for name, one in found.items()}


@dataclass(frozen=True)
class Fetched:
    """An answer that was written to a file, and the seconds to its first byte and to its last."""

    file: Path
    first: float
    last: float


def _fetch(url: str, query: str, file: Path) -> Fetched:
    """Ask a service, without looking at what it says."""
    where = urlsplit(url)
    con = http.client.HTTPConnection(where.hostname, where.port, timeout=3600)
    body = urlencode({"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": query, "MAXREC": tap.MOST_ROWS})
    began = time.perf_counter()
    con.request("POST", f"{where.path}/sync", body, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = con.getresponse()
    first = 0.0
    with open(file, "wb") as target:
        while block := answer.read1(MB):
            first = first or time.perf_counter() - began
            target.write(block)
    con.close()
    return Fetched(file, first, time.perf_counter() - began)


def _rows(fetched: Fetched) -> np.ndarray:
    """The rows of an answer, sorted, as numbers."""
    with open(fetched.file, "rb") as file:
        table = votable.read(iter(partial(file.read, MB), b"")).table
    table = table.sort_by("source_id")
    return np.column_stack([np.nan_to_num(column.to_numpy().astype(float), nan=-1.0) for column in table.columns])


def _large(section: Section, server: Server, other: str | None) -> None:
    section.head("A large answer")
    selected = ", ".join(f"g.{name.strip()}" for name in COLUMNS.split(","))
    query = (
        f"SELECT {selected} FROM gaiadr3.gaia_source AS g, "
        f"(SELECT TOP {COPIES} source_id AS copy FROM gaiadr3.gaia_source) AS copies"
    )
    lines, rates, sorted_rows = [], {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, url in (("sedsql", server.url), ("DaCHS", other)):
            if url is None:
                continue
            with server.memory() as memory:
                fetched = _fetch(url, query, Path(folder, name))
            sorted_rows[name] = _rows(fetched)
            rates[name] = len(sorted_rows[name]) / fetched.last
            more = f"{memory.grown / MB:,.0f}" if name == "sedsql" else ""
            size = f"{fetched.file.stat().st_size / MB:,.0f}"
            lines.append(
                [name, f"{len(sorted_rows[name]):,}", size, figure(fetched.first), f"{rates[name]:,.0f}", more]
            )
            if name == "sedsql":
                first, grown = fetched.first, memory.grown / MB
    section.table(["service", "rows", "MB", "first byte, s", "rows/s", "memory above idle, MB"], lines)
    section.aim("sedsql serve: seconds to the first byte", first, most=1)
    section.aim("sedsql serve: MB of memory above the idle server", grown, most=300)
    if other:
        section.aim("rows a second against DaCHS, ratio", rates["sedsql"] / rates["DaCHS"], least=10)
        same = sorted_rows["sedsql"].shape == sorted_rows["DaCHS"].shape and np.allclose(
            sorted_rows["sedsql"], sorted_rows["DaCHS"], rtol=tap.TOLERANCE
        )
        section.agree("The rows of both are the same", [] if same else ["large: the rows of the two services differ"])


def _many(section: Section, server: Server, seconds: int) -> None:
    section.head("Many clients")
    told = json.loads(child("benchmarks.clients", server.url, CLIENTS, seconds))
    found = clients.Told(**told)
    section.say(
        f"{CLIENTS} clients for {seconds} seconds; each asks cones at once and, as jobs, counts of classes, whose "
        "documents it polls."
    )
    _waits(section, found)
    section.note(f"Answers 503, come back later: {found.busy:,}")
    section.aim("Errors of many clients", len(found.errors), most=0)
    section.aim("Jobs lost", found.lost, most=0)
    section.aim("Job documents, p99 in seconds", float(np.percentile(found.seconds["job document"], 99)), most=1)
    section.differ += found.errors[:3]


def _replay(section: Section, server: Server, seconds: int) -> None:
    section.head("One query a second")
    found = clients.replay(server.url, seconds)
    section.say(
        f"For {seconds} seconds a query begins every second: cones, counts, and classes in a cone, in turn, at random "
        "places (with a fixed seed)."
    )
    _waits(section, found)
    section.aim("Errors of the replay", len(found.errors), most=0)


def _waits(section: Section, found: clients.Told) -> None:
    """Tabulate how long clients waited, by what they asked for."""
    section.table(
        ["what", "times", "median, ms", "p95, ms", "p99, ms"],
        [[what, *_times(values)] for what, values in found.seconds.items()],
    )


def _times(values: list[float]) -> list[str]:
    if not values:
        return ["0", "", "", ""]
    return [f"{len(values):,}", *(figure(float(np.percentile(values, part)) * 1e3) for part in (50, 95, 99))]
