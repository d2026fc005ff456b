"""What goes wrong in a service, with the status that HTTP has for it (DALI 1.1, Section 4.2)."""

from typing import NamedTuple


class Place(NamedTuple):
    """Where a query goes wrong: the line and the column, from 1, where so many letters of that line begin."""

    line: int
    column: int
    length: int


class ServiceError(Exception):
    """A sentence for the user of the service.

    status : of HTTP: 400 where the request is not good, 404, 401, 403, 413, 503, 500
    retry_after : seconds after which a busy service may be asked again
    place : of a query, where that is what is wrong
    """

    def __init__(self, message: str, status: int = 400, retry_after: int | None = None, place: Place | None = None):
        super().__init__(message)
        self.message, self.status, self.retry_after, self.place = message, status, retry_after, place
