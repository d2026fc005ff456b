"""Show a mirror as users do, by uvicorn in a thread, and ask as the page does; read what it is sent."""

import json
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import requests
from serving import running

from sedsql.service.explore.explore import Explore
from sedsql.service.explore.settings import ExploreSettings
from sedsql.service.explore.start import make_app
from sedsql.service.workers import Settings

HEADERS = {"X-Sedsql": "explore"}
SECONDS = 120


@contextmanager
def exploring(mirror, folder, *, port=0, process=None, **settings):
    """Show a mirror; gives the URL and the Explore behind it.

    process, settings : of `Settings` and `ExploreSettings`
    """
    settings = {"any_host": False, **settings}
    made = ExploreSettings(Settings(mirror, folder, threads=1, **process or {}), **settings)
    explore = Explore(made)
    with running(explore, make_app(explore), port) as url:
        yield url.removesuffix("/tap"), explore


def arrays(body):
    """The head of a binary answer, and a function that gives the array that is named there."""
    length = int.from_bytes(body[:4], "little")
    head, rest = json.loads(body[4 : 4 + length]), body[4 + length :]
    assert (4 + length) % 8 == 0

    def array(told):
        assert told["offset"] % 8 == 0
        return np.frombuffer(rest, f"<{told['dtype']}", told["length"], told["offset"])

    return head, array


@dataclass
class Page:
    """A page, as the server sees it."""

    url: str
    id: str = ""
    auth: tuple | None = None

    def post(self, path, values=None, **how):
        how = {"headers": HEADERS, "auth": self.auth, "timeout": SECONDS, **how}
        return requests.post(f"{self.url}/explore/{path}", json=values, **how)

    def get(self, path, **how):
        how = {"headers": HEADERS, "auth": self.auth, "timeout": SECONDS, **how}
        return requests.get(f"{self.url}/explore/{path}", **how)

    def begin(self):
        answer = self.post("sessions")
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["id"]
        return self

    def ask(self, operation, **values):
        return self.post(f"sessions/{self.id}/{operation}", values)

    def lines(self, query):
        return [json.loads(line) for line in self.ask("query", query=query).text.splitlines()]

    def query(self, query):
        last = self.lines(query)[-1]
        assert "result" in last, last
        return last["result"]

    def end(self):
        return requests.delete(
            f"{self.url}/explore/sessions/{self.id}", headers=HEADERS, timeout=SECONDS, auth=self.auth
        )


def sentence(answer, status):
    """What is wrong, in one sentence."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    message = answer.json()["error"]["message"]
    assert message == message.strip()
    assert "\n" not in message
    assert "Traceback" not in message
    return message
