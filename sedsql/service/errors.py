"""What goes wrong in a service, with the status that HTTP has for it (DALI 1.1, Section 4.2)."""

import errno
import sys
from typing import NamedTuple


class Place(NamedTuple):
    """Where a query goes wrong: the line and the column, from 1, where so many letters of that line begin."""

    line: int
    column: int
    length: int


class ServiceError(Exception):
    """A sentence for the user of the service.

    status : of HTTP: 400 where the request is not good, 404, 401, 403, 413, 503, 507, 500
    retry_after : seconds after which a busy service may be asked again
    place : of a query, where that is what is wrong
    """

    def __init__(self, message: str, status: int = 400, retry_after: int | None = None, place: Place | None = None):
        super().__init__(message)
        self.message, self.status, self.retry_after, self.place = message, status, retry_after, place


def no_disk(error: OSError) -> ServiceError:
    """What a user is told where the disk of the service is full or fails; the log has which file it was."""
    print(f"sedsql serve: {error}", file=sys.stderr)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ServiceError("The service can keep no files at present: its disk is full; try again later.", 507, 60)
    return ServiceError("The service can keep no files at present; its log has the reason.", 503, 60)
