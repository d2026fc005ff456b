"""Feed mutated documents to the readers of TAP services' answers: python -m tests.tap.fuzz --seconds 600

Each case must end in an answer or in one of the client's own errors, within seconds and a bound of memory. The number
of a case and the seed make it again: --seed 1 --only 4711.
"""

import argparse
import random
import resource
import signal
import socket
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Event

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sedsql.mirror import archive
from sedsql.tap import schema, vosi
from sedsql.tap.body import unpacked
from sedsql.tap.columns import same_columns
from sedsql.tap.errors import Changed, TapError
from sedsql.tap.jobs import job
from sedsql.tap.limits import LIMITS, Room
from sedsql.tap.login import Login
from sedsql.tap.retry import TransientError
from sedsql.tap.transport import Session, failures, whole
from sedsql.tap.votable import message, read
from tap import corpus
from tap.mutations import mutated

SECONDS = 20
"""That a case may take."""
MEMORY = 700 << 20
"""Bytes that the process may come to have; it begins with some 200 MB."""


def _read(text: bytes) -> None:
    table = read(unpacked([text]), Room(rows=1_000, texts=LIMITS.texts)).table
    table.validate(full=True)
    with suppress(Changed):
        same_columns(archive.TABLES["gaiadr3.gaia_source"], table.schema)


class _Service:
    """What `schema` needs of a service, which answers all with the same text."""

    host, limits = "example.org", LIMITS

    def __init__(self, text: bytes):
        self.text = text

    def small(self, adql, maxrec=None):
        return read(unpacked([self.text]), Room(maxrec or LIMITS.listed, most=LIMITS.small))

    def document(self, path, read, params=None):
        return read(unpacked([self.text]))


def _schema(text: bytes) -> None:
    service = _Service(text)
    for what in (schema.table, schema.keys, schema.indexed, schema.rows):
        try:
            what(service, "s.t")
        except TapError:
            continue


def _vosi(text: bytes) -> None:
    vosi.tables(unpacked([text]), LIMITS, "gaiadr3.gaia_source")
    schema._vosi(_Service(text), "gaiadr3.gaia_source")


def _job(text: bytes) -> None:
    with suppress(TransientError):
        job(unpacked([text]), f"{corpus.URL}/async/1", _session())


@cache
def _session() -> Session:
    return Session(1.0, Login(corpus.URL, LIMITS), LIMITS, Event())


class _Wire:
    """A server that sends the same bytes to everyone, and closes."""

    def __init__(self):
        self.text = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/tap"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            with connection, suppress(OSError):
                connection.settimeout(1)
                connection.recv(1 << 16)
                connection.sendall(self.text)


_wire = cache(_Wire)


def _http(text: bytes) -> None:
    wire = _wire()
    wire.text = text
    session = Session(0.5, Login(wire.url, LIMITS), LIMITS, Event())
    with suppress(TransientError), failures(session):
        whole(session.ask("POST", f"{wire.url}/sync", data={"QUERY": "SELECT 1"}), session, Room(rows=1_000))


TARGETS: dict[str, tuple[Callable[[], list[bytes]], Callable[[bytes], object]]] = {
    "votable": (corpus.answers, _read),
    "message": (corpus.answers, message),
    "schema": (corpus.described, _schema),
    "capabilities": (corpus.capabilities, lambda text: vosi.capabilities(unpacked([text]), LIMITS)),
    "tables": (corpus.vosi_tables, _vosi),
    "job": (corpus.jobs, _job),
    "http": (corpus.responses, _http),
}
"""For each reader the documents that are mutated."""


answered: Counter[str] = Counter()
"""How many documents of each kind were read, mistakes or not."""


class TooLongError(Exception):
    """A case that takes longer than it may."""


def case(target: str, seed: int, number: int) -> bytes:
    """The document of a case; one in a hundred is not mutated."""
    chance = random.Random(f"{target} {seed} {number}")
    texts = TARGETS[target][0]()
    text = chance.choice(texts)
    return text if number % 100 == 0 else mutated(text, chance, texts)


def failure(target: str, text: bytes, memory: int | None = MEMORY) -> str | None:
    """What is wrong with how a reader takes a document; None if nothing is.

    memory : bytes that the process may have come to have; None where others have used it before
    """

    def late(*_) -> None:
        raise TooLongError(f"more than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        TARGETS[target][1](text)
        answered[target] += 1
    except TapError as error:
        found = None if len(str(error)) < 5_000 else f"a message of {len(str(error))} letters"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        found = f"{type(error).__name__}: {error}"[:300]
    else:
        found = None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return found or (f"{most >> 20} MB of memory" if memory and most > memory else None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=TARGETS, action="append")
    parser.add_argument("--only", type=int, help="this case alone, with its traceback")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    targets = asked.target or list(TARGETS)
    if asked.only is not None:
        for target in targets:
            TARGETS[target][1](case(target, asked.seed, asked.only))
        return 0
    ends, number, wrong = time.monotonic() + asked.seconds, 0, Counter()
    while time.monotonic() < ends:
        for target in targets:
            if what := failure(target, case(target, asked.seed, number)):
                if not wrong[what[:60]]:
                    print(f"{target}, case {number}: {what}", flush=True)
                wrong[what[:60]] += 1
                if "MB of memory" in what:
                    return 1
        number += 1
    shares = ", ".join(f"{target} {answered[target] / number:.0%}" for target in targets)
    print(
        f"{number:,} cases of each kind; read in spite of mistakes: {shares}; "
        f"{sum(wrong.values())} failures {dict(wrong) or ''}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
