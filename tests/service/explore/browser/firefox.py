"""Drive Debian's Firefox by WebDriver BiDi (W3C Working Draft), which it speaks itself."""

import json
import re
import subprocess
import time
from contextlib import contextmanager

SECONDS = 60
QUIET = {
    "app.normandy.enabled": False,
    "browser.region.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.systemAddon.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "nimbus.rollouts.enabled": False,
    "toolkit.telemetry.enabled": False,
    "app.update.disabledForTesting": True,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
}
"""Preferences by which Firefox itself asks no other host."""


class Firefox:
    """A tab: what is asked of it, and what it told meanwhile."""

    def __init__(self, socket):
        self._socket, self._asked = socket, 0
        self.errors, self.requests = [], []
        self.ask("session.new", capabilities={})
        (self._tab,) = (one["context"] for one in self.ask("browsingContext.getTree")["contexts"])
        self.ask("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])

    def ask(self, method, **parameters):
        self._asked += 1
        self._socket.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while True:
            told = json.loads(self._socket.recv())
            if told.get("id") == self._asked:
                assert told["type"] == "success", told
                return told["result"]
            self._hear(told)

    def open(self, url):
        self.ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def evaluate(self, expression):
        """The value of an expression of JavaScript, a text or a number."""
        target = {"context": self._tab}
        told = self.ask("script.evaluate", expression=expression, target=target, awaitPromise=True)
        assert told["type"] == "success", told
        return told["result"].get("value")

    def until(self, expression):
        """Wait until an expression is true."""
        end = time.monotonic() + SECONDS
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < end, f"{expression} is never true"
            time.sleep(0.05)

    def box(self, selector):
        """Left, top, width and height of an element, in pixels."""
        told = self.evaluate(f"JSON.stringify(document.querySelector({selector!r}).getBoundingClientRect())")
        return [json.loads(told)[name] for name in ("left", "top", "width", "height")]

    def drag(self, start, end=None):
        """Press the mouse at a place, move it to another, and release it; a click without another."""
        move = lambda place: {"type": "pointerMove", "x": round(place[0]), "y": round(place[1])}  # noqa: E731
        moves = [move(end)] if end else []
        steps = [move(start), {"type": "pointerDown", "button": 0}, *moves, {"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "actions": steps}
        self.ask("input.performActions", context=self._tab, actions=[mouse])

    def _hear(self, told):
        if told.get("method") == "log.entryAdded" and told["params"]["level"] == "error":
            self.errors.append(told["params"]["text"])
        elif told.get("method") == "network.beforeRequestSent":
            self.requests.append(told["params"]["request"]["url"])


@contextmanager
def running(program, profile):
    """Start Firefox without a window."""
    import websocket

    preferences = [f'user_pref("{name}", {json.dumps(value)});\n' for name, value in QUIET.items()]
    (profile / "user.js").write_text("".join(preferences))
    command = [program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as process:
        try:
            lines = (re.search(r"WebDriver BiDi listening on (ws://\S+)", line) for line in process.stderr)
            address = next(filter(None, lines))[1]
            socket = websocket.create_connection(f"{address}/session", timeout=SECONDS, suppress_origin=True)
            yield Firefox(socket)
            socket.close()
        finally:
            process.terminate()
