"""Wait in an event loop until something holds, and look again whenever something has changed."""

import asyncio
from collections.abc import Callable


class Changed:
    """Tells those who wait that something has changed; `tell` may be called where nothing can be awaited."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def tell(self) -> None:
        for one in self._waiting:
            if not one.done():
                one.set_result(None)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds."""
        while not holds():
            told = asyncio.get_running_loop().create_future()
            self._waiting.add(told)
            try:
                await told
            finally:
                self._waiting.discard(told)
