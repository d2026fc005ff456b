"""Start a service at an address, and tell whoever started it what there is to know."""

from __future__ import annotations

from collections.abc import Callable

from sedsql.service.app import make_app
from sedsql.service.log import Log
from sedsql.service.run import is_for_others, listen, run, url_of
from sedsql.service.service import Service
from sedsql.service.settings import ServiceSettings


def start(settings: ServiceSettings, host: str, port: int, tell: Callable[[str], object]) -> None:
    """Serve until a signal says to stop. ServiceError or MirrorError where that cannot be.

    tell : takes lines for whoever started the service, one a request among them
    """
    with listen(host, port) as listening:
        service = Service(settings)
        if is_for_others(listening):
            tell(f"Warning: other machines can reach {host}, and no one has to say who they are")
        if missing := service.facts.old_schema():
            tell(f"Warning: {missing}")
        tell(f"{settings.worker.mirror} is served at {settings.url or url_of(listening)}; Ctrl-C ends it")
        run(service, Log(make_app(service), tell), listening)
        tell("The service has ended")
