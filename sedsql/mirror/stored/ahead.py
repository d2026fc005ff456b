"""Compute the next rows while others are written."""

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Generator[T, None, None], most: int) -> Generator[T, None, None]:
    """Give the items of a generator, of which a thread computes up to `most` before they are asked for.

    An error of the generator is raised where its item would come. Closing waits for the item that is computed.
    """
    with closing(items), ThreadPoolExecutor(1, thread_name_prefix="sedsql ahead") as pool:
        waiting = deque(pool.submit(next, items, None) for _ in range(most))
        try:
            while (item := waiting.popleft().result()) is not None:
                waiting.append(pool.submit(next, items, None))
                yield item
        finally:
            for one in waiting:
                one.cancel()
