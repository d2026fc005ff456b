"""Ask several questions at a time, and give the answers as they come."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def at_once(
    items: Iterable[Item], do: Callable[[Item], Result], parallel: int, stop: Callable[[], object]
) -> Iterator[Result]:
    """Do the same with each item, in threads, and give the results as they come.

    parallel : items at a time
    stop : ends what still runs, when an error or Ctrl-C ends this
    """
    left = iter(items)
    with ThreadPoolExecutor(parallel, thread_name_prefix="tap") as pool:
        running: set[Future[Result]] = set()
        try:
            while True:
                # No more than run at once: answers that wait to be stored would fill the memory.
                for item in islice(left, parallel - len(running)):
                    running.add(pool.submit(do, item))
                if not running:
                    return
                # A short wait, so that Ctrl-C is heard.
                done, running = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BaseException:
            stop()
            for future in running:
                future.cancel()
            raise
