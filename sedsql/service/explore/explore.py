"""What the routes of the page share: the mirror's facts, settings and sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sedsql.service.describe.facts import MirrorFacts
from sedsql.service.explore.samp import Exchange, Link
from sedsql.service.explore.sessions import Sessions
from sedsql.service.explore.settings import ExploreSettings
from sedsql.service.memory import Memory


class Explore:
    """The page from the start of its service to the end.

    Attributes
    ----------
    settings, facts, sessions
    memory : what the bodies of all requests may hold
    samp : exchanges selections with other programs of the user, where the page is for this machine alone
    """

    def __init__(
        self,
        settings: ExploreSettings,
        facts: MirrorFacts | None = None,
        keep_open: Sequence[int] = (),
        link: Link | None = None,
    ):
        """Read the mirror, unless its facts are there. MirrorError where it cannot be.

        link : to a SAMP hub
        """
        self.settings = settings
        self.samp = Exchange(link) if link and not settings.any_host else None
        self.facts = facts or MirrorFacts(settings.process.mirror)
        self.sessions = Sessions(settings, keep_open)
        self.memory = Memory()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let pages have sessions."""
        async with self.sessions.running():
            yield
