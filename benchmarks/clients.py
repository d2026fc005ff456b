"""Clients of a TAP service: many at once, or one query a second; a module of its own, which runs in its own process."""

import http.client
import json
import random
import sys
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

CONE = (
    "SELECT TOP 100 source_id, ra, dec, phot_g_mean_mag FROM gaiadr3.gaia_source "
    "WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE({ra:.4f}, {dec:.4f}, 0.5))"
)
COUNT = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source WHERE phot_g_mean_mag < {magnitude:.2f}"
CLASSES = (
    "SELECT class, COUNT(*) AS n FROM sed.classified "
    "WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE({ra:.4f}, {dec:.4f}, 2)) GROUP BY class"
)
KINDS = {"cone": CONE, "count": COUNT, "classes": CLASSES}

_ENDED = ("COMPLETED", "ERROR", "ABORTED")


@dataclass
class Told:
    """What clients saw.

    seconds : of each request, by what it was
    errors : a sentence for each answer that is none
    busy : times that the service said to come back later
    lost : jobs that did not end, or whose result was not there
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    busy: int = 0
    lost: int = 0


class Client:
    """A connection to a service, kept from one request to the next."""

    def __init__(self, url: str, told: Told):
        where = urlsplit(url)
        self._path, self._told = where.path, told
        self._con = http.client.HTTPConnection(where.hostname, where.port, timeout=120)

    def ask(self, what: str, method: str, path: str, **parameters: object) -> tuple[int, bytes, str | None]:
        """Send a request and time it; gives status, body, and where it redirects to."""
        body = urlencode(parameters) if method == "POST" else None
        query = f"?{urlencode(parameters)}" if parameters and method == "GET" else ""
        began = time.perf_counter()
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
            self._con.request(method, f"{self._path}/{path}{query}", body, headers)
            answer = self._con.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._told.errors.append(f"{what}: {type(error).__name__}: {error}")
            self._con.close()
            return 0, b"", None
        self._told.seconds[what].append(time.perf_counter() - began)
        if answer.status == 503:
            self._told.busy += 1
        elif answer.status >= 400 or b'value="ERROR"' in content:
            self._told.errors.append(f"{what}: {answer.status}: {content[:300]!r}")
        return answer.status, content, answer.getheader("Location")


def query(rng: random.Random, kind: str) -> str:
    """A query of a kind at a random place."""
    return KINDS[kind].format(ra=rng.uniform(0, 360), dec=rng.uniform(-60, 60), magnitude=rng.uniform(10, 20))


def _client(url: str, seed: int, until: float, told: Told) -> None:
    """Ask cones at once and counts of classes as jobs, in turn."""
    rng, client = random.Random(seed), Client(url, told)
    while time.monotonic() < until:
        client.ask("cone", "GET", "sync", QUERY=query(rng, "cone"), LANG="ADQL")
        _job(client, query(rng, "classes"), told)


def _job(client: Client, adql: str, told: Told) -> None:
    """Run a query as a job, poll its document until it has ended, fetch its result and delete it."""
    status, _, where = client.ask("new job", "POST", "async", QUERY=adql, LANG="ADQL", PHASE="RUN")
    if where is None:
        told.lost += status not in (0, 503)
        return
    job = f"async/{where.rpartition('/')[2]}"
    patience = time.monotonic() + 300
    while time.monotonic() < patience:
        _, document, _ = client.ask("job document", "GET", job)
        phase = document.partition(b"phase>")[2].partition(b"<")[0].decode()
        if phase in _ENDED:
            break
        time.sleep(0.2)
    status, _, _ = client.ask("result", "GET", f"{job}/results/result")
    told.lost += phase != "COMPLETED" or status != 200
    client.ask("delete", "DELETE", job)


def many(url: str, clients: int, seconds: float) -> Told:
    """Have many clients ask at once."""
    told, until = Told(), time.monotonic() + seconds
    threads = [threading.Thread(target=_client, args=(url, seed, until, told)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def replay(url: str, seconds: int) -> Told:
    """Begin a query every second, whether or not those before have ended."""
    told, rng, began = Told(), random.Random(0), time.monotonic()
    with ThreadPoolExecutor(64) as pool:
        for number in range(seconds):
            kind = list(KINDS)[number % len(KINDS)]
            time.sleep(max(0.0, began + number - time.monotonic()))
            pool.submit(Client(url, told).ask, kind, "GET", "sync", QUERY=query(rng, kind), LANG="ADQL")
    return told


if __name__ == "__main__":
    print(json.dumps(vars(many(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
