"""Say in one sentence, to a user of the service, what went wrong with a query."""

import errno
import sys
import traceback

import duckdb

from sedsql import errors
from sedsql.adql import AdqlError
from sedsql.files.errors import TableError
from sedsql.service.errors import Place, ServiceError
from sedsql.service.workers.settings import Settings

_MISTAKES = (
    errors.ProgrammingError,
    errors.DataError,
    errors.NotSupportedError,
    errors.InterfaceError,
    TableError,  # a format that cannot hold the answer
)


class LimitError(ServiceError):
    """A query takes more than a query may: time, memory or disk. It would again."""


def size(number: int) -> str:
    """A number of bytes in words."""
    return f"{number / (1 << 30):,.3g} GB" if number >= 1 << 30 else f"{number / (1 << 20):,.3g} MB"


class NoRoomError(ServiceError):
    """The result of a job has more bytes than there is room for."""

    def __init__(self, room: int):
        super().__init__(
            f"The result has more than {size(max(room, 0))}, all that this service has left for jobs; ask for fewer "
            "rows or columns, delete jobs that you need no more, or ask without a job (/sync), which keeps nothing.",
            507,
        )


def too_much_memory(settings: Settings) -> LimitError:
    """Tell that a query needs more memory or disk than a worker has."""
    return LimitError(
        f"The query needs more than {size(settings.memory)} of memory and {size(settings.disk)} of disk, the limits of "
        "this service; ask for fewer rows or columns, or for a smaller part of the sky."
    )


def too_long(
    seconds: float, advice: str = "ask for less of the sky, or run it as a job with a longer EXECUTIONDURATION"
) -> LimitError:
    """Tell that a query takes too long, and what would work."""
    time = f"{seconds:g} second{'s' * (seconds != 1)}"
    return LimitError(f"The query took longer than {time}, its limit; {advice}.")


def told(error: BaseException, settings: Settings) -> ServiceError:
    """What the user of a service is told of an error; what is the service's own fault goes to the log in full."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, MemoryError) or isinstance(error.__cause__ or error, duckdb.OutOfMemoryException):
        return too_much_memory(settings)
    if isinstance(error, _MISTAKES):
        place = Place(error.line, error.column, error.length) if isinstance(error, AdqlError) else None
        return ServiceError(str(error).partition("\n")[0], place=place)
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        most = f"The answer has more than {size(settings.disk)}, the most that this service writes"
        return LimitError(f"{most}; ask for fewer rows or columns.")
    traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ServiceError("The answer cannot be kept: the disk of the service is full.", 503)
    return ServiceError("The service cannot answer this query; its log has the reason.", 500)
