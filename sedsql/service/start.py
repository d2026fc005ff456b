"""Start a service at an address, and tell whoever started it what there is to know."""

from __future__ import annotations

from collections.abc import Callable

from sedsql.files.object_storage.addresses import place_of
from sedsql.service.app import make_app
from sedsql.service.log import Log
from sedsql.service.run import is_for_others, listen, run, url_of
from sedsql.service.service import Service
from sedsql.service.settings import ServiceSettings
from sedsql.service.users import Accounts


def start(
    settings: ServiceSettings, host: str, port: int, accounts: Accounts | None, tell: Callable[[str], object]
) -> None:
    """Serve until a signal says to stop. ServiceError or MirrorError where that cannot be.

    accounts : of those who may ask; None where anyone may
    tell : takes lines for whoever started the service, one a request among them
    """
    with listen(host, port) as listening:
        service = Service(settings)
        if is_for_others(listening) and accounts is None:
            tell(f"Warning: other machines can reach {host}, and may ask without a login; --auth FILE asks for one")
        if missing := service.facts.old_schema():
            tell(f"Warning: {missing}")
        tell(f"{place_of(settings.worker.mirror)} is served at {settings.url or url_of(listening)}; Ctrl-C ends it")
        if settings.explore:
            url = (settings.url or url_of(listening)).removesuffix("/tap")
            tell(f"A page in the browser explores it: {url}/")
        run(service, Log(make_app(service, accounts), tell), listening)
        tell("The service has ended")
