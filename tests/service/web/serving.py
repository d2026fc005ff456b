"""Start a service as users do, by uvicorn, in a thread of the tests."""

import socket
import threading
import time
from contextlib import contextmanager

import uvicorn

from sedsql.service.app import make_app
from sedsql.service.service import Service
from sedsql.service.settings import ServiceSettings
from sedsql.service.workers import Settings


@contextmanager
def serve(mirror, folder, *, workers=1, worker=None, **settings):
    """Serve a mirror on a free port; gives the URL, which ends in /tap.

    folder : for the spool
    worker, settings : of `Settings` and `ServiceSettings`
    """
    spool = folder / "spool"
    made = ServiceSettings(
        Settings(mirror, spool / "temporary", threads=1, **worker or {}), spool, workers=workers, **settings
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        config = uvicorn.Config(make_app(Service(made)), log_level="critical", lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/tap"
        finally:
            server.should_exit = True
            thread.join(60)
