"""Start a service as users do, by uvicorn, in a thread of the tests."""

import asyncio
import threading
import time
from contextlib import contextmanager

from sedsql.service.app import make_app
from sedsql.service.run import listen, make_server, serve, url_of
from sedsql.service.service import Service
from sedsql.service.settings import ServiceSettings
from sedsql.service.workers import Settings


@contextmanager
def running(served, app, port=0):
    """Serve by uvicorn on a port of this machine, a free one unless told; gives the URL, which ends in /tap."""
    with listen("127.0.0.1", port) as listening:
        server = make_server(app)
        thread = threading.Thread(target=asyncio.run, args=(serve(served, app, listening, server),), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.02)
        try:
            yield url_of(listening)
        finally:
            server.should_exit = True
            thread.join(60)


@contextmanager
def serving(mirror, folder, *, workers=1, worker=None, accounts=None, port=0, **settings):
    """Serve a mirror, on a free port unless told; gives the URL, which ends in /tap.

    folder : for the spool
    worker, settings : of `Settings` and `ServiceSettings`
    accounts : of users
    """
    spool = folder / "spool"
    made = ServiceSettings(
        Settings(mirror, spool / "temporary", threads=1, **worker or {}), spool, workers=workers, **settings
    )
    service = Service(made)
    app = make_app(service, accounts)
    with running(service, app, port) as url:
        yield url


def incoming(folder):
    """Files of requests that are being received."""
    return list((folder / "spool" / "incoming").iterdir())


def until(true, seconds=20):
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.05)
    return found
