"""A queue in which every client has its turn, however many queries another has in it."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Things of clients; each client's come in their order, and the clients take turns."""

    def __init__(self) -> None:
        self._clients: OrderedDict[str, deque[T]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._clients.values()))

    def of(self, client: str) -> int:
        """How many a client has."""
        return len(self._clients.get(client, ()))

    def push(self, client: str, thing: T) -> None:
        self._clients.setdefault(client, deque()).append(thing)

    def put_back(self, client: str, thing: T) -> None:
        """Let a client have its turn again, with this thing."""
        self._clients.setdefault(client, deque()).appendleft(thing)
        self._clients.move_to_end(client, last=False)

    def pop(self) -> T | None:
        """The first of the client whose turn it is, who is the last to have one after that; None if there are none."""
        if not self._clients:
            return None
        client, things = self._clients.popitem(last=False)
        thing = things.popleft()
        if things:
            self._clients[client] = things
        return thing

    def give_way(self, client: str) -> T | None:
        """Take out the last thing of the client that has most, for one of a client that has fewer; None if none has."""
        longest = max(self._clients, key=self.of, default=client)
        if self.of(longest) <= self.of(client) + 1:
            return None
        return self._clients[longest].pop()

    def remove(self, client: str, thing: T) -> bool:
        """Take a thing out of the queue; tell whether it was there."""
        things = self._clients.get(client, deque())
        if thing not in things:
            return False
        things.remove(thing)
        if not things:
            del self._clients[client]
        return True
