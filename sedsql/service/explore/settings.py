"""How much of the machine the page's sessions may take, and who may show the page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sedsql.service.errors import ServiceError
from sedsql.service.workers import Settings


@dataclass(frozen=True)
class ExploreSettings:
    """Settings of the page.

    process : the mirror, and what the process of each session may take
    sessions : at once
    rows : of a result at most
    points : rows of a result at most of which each is drawn; above there are cells
    seconds : that a query may run
    idle : seconds after which a session ends that nobody asks
    frames : origins of pages that may show this one in a frame, such as https://example.org
    base : path below which the page is asked for as well as at /
    training, label : a table of labelled sources, of which a source's nearest are told, and its column of labels
    tap : URL of a TAP service of the mirror, such as /tap beside the page; None where its user has the mirror's folder
    any_host : whether the page is asked for by any host name; else by those of this machine alone
    """

    process: Settings
    sessions: int = 4
    rows: int = 50_000_000
    points: int = 2_000_000
    seconds: float = 300
    idle: float = 1800
    frames: tuple[str, ...] = ()
    base: str = ""
    training: Path | None = None
    label: str = "class"
    tap: str | None = None
    any_host: bool = True


def origins(given: Iterable[str] | None) -> tuple[str, ...]:
    """Check what is to be allowed to show the page. ServiceError where one is no origin."""
    for one in given or ():
        if not re.fullmatch(r"https?://[A-Za-z0-9.*-]+(:[0-9]{1,5})?", one):
            raise ServiceError(f"--frame is an origin such as https://example.org, not {one!r}.")
    return tuple(given or ())
