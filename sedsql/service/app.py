"""The web application of a service: which path is answered by what."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sedsql.errors import Error
from sedsql.mirror.tableset import one_table, tableset
from sedsql.service import asynchronous, respond
from sedsql.service.below import Below
from sedsql.service.describe.availability import availability
from sedsql.service.describe.capabilities import capabilities
from sedsql.service.describe.examples import examples
from sedsql.service.errors import ServiceError, no_disk
from sedsql.service.explore.routes import routes
from sedsql.service.metrics import MIME as METRICS_MIME
from sedsql.service.metrics import metrics
from sedsql.service.service import Service
from sedsql.service.sync import sync
from sedsql.service.users import Accounts, Authentication

_PATHS = "/tap/sync, /tap/async, /tap/capabilities, /tap/tables, /tap/availability and /tap/examples"


def make_app(service: Service, accounts: Accounts | None = None) -> ASGIApp:
    """Make the application of a service that runs, which a proxy may ask below the path of its URL.

    accounts : of those who may ask; None where anyone may
    """
    cors = Middleware(
        _CorsOfTap,
        allow_origins=["*"],
        allow_methods=["GET", "POST", "DELETE", "HEAD"],
        allow_headers=["Authorization"],
        expose_headers=["Location", "Retry-After", "WWW-Authenticate"],
    )
    own = [Route(path, _endpoint(methods, service), methods=list(methods)) for path, methods in _ROUTES.items()]
    app = Starlette(
        routes=[*(routes(service.explore) if service.explore else []), *own],
        middleware=[cors, *([Middleware(Authentication, accounts)] if accounts else [])],
        exception_handlers={HTTPException: _no_such_path, Exception: _failed},  # type: ignore[dict-item]
    )
    return Below(app, urlsplit(service.settings.url or "").path.removesuffix("/tap"))


class _CorsOfTap(CORSMiddleware):
    """Let pages of other sites ask by TAP, and nothing else."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        is_tap = scope["type"] == "http" and scope["path"].startswith("/tap")
        await (super().__call__ if is_tap else self.app)(scope, receive, send)


Answer = Callable[[Service, Request], Awaitable[Response]]


def _endpoint(methods: dict[str, Answer], service: Service) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await methods["GET" if request.method == "HEAD" and "GET" in methods else request.method](
                service, request
            )
        except OSError as error:
            return respond.error(no_disk(error))
        except ServiceError as fault:
            return respond.error(fault, votable=_tells_votable(request) or fault.status >= 500)

    return answer


def _tells_votable(request: Request) -> bool:
    """Whether an error is told as a VOTable: where an answer would be one, or a job be made."""
    path = request.url.path.rstrip("/")
    return path.endswith("/sync") or (path.endswith("/async") and request.method == "POST")


def base_url(service: Service, request: Request) -> str:
    """The URL of the service, ending in /tap, as the client has it."""
    return service.settings.url or f"{request.url.scheme}://{request.url.netloc}/tap"


async def _capabilities(service: Service, request: Request) -> Response:
    return respond.document(capabilities(base_url(service, request), service.settings.offer()))


async def _availability(service: Service, request: Request) -> Response:
    return respond.document(availability(service.facts.since))


async def _tables(service: Service, request: Request) -> Response:
    given = [(name.lower(), value.lower()) for name, value in request.query_params.multi_items()]
    details = [value for name, value in given if name == "detail"]
    if any(detail not in ("min", "max") for detail in details):
        raise ServiceError(f"detail is min or max, not {details[0][:40]!r}.")
    # What follows is for astroquery's TapPlus: it may not say who it is, and names the tables that it wants.
    agent = request.headers.get("user-agent", "")
    flags = not agent or agent.startswith("astroquery/")
    names = {part.strip() for name, value in given if name == "tables" for part in value.split(",")}
    columns = "min" not in details and ("only_tables", "true") not in given

    def write() -> bytes:
        facts = service.facts.now()
        return tableset(facts.catalogue, facts.keys, facts.rows, names=names, columns=columns, flags=flags)

    response = respond.document(await _reading(write))
    response.headers["Vary"] = "User-Agent"
    return response


async def _table(service: Service, request: Request) -> Response:
    name = request.path_params["name"]

    def write() -> bytes:
        facts = service.facts.now()
        table = facts.table(name)
        if table is None:
            raise ServiceError(f"There is no table {name[:80]!r}; /tap/tables lists them.", 404)
        return one_table(table, facts.keys, facts.rows)

    return respond.document(await _reading(write))


async def _reading(write: Callable[[], bytes]) -> bytes:
    """Write a document about the mirror, which is read if it was changed."""
    try:
        return await run_in_threadpool(write)
    except Error as error:
        raise ServiceError(str(error), 503) from error


async def _examples(service: Service, request: Request) -> Response:
    page = await _reading(lambda: examples(service.facts.now()))
    return respond.document(page, "application/xhtml+xml")


async def _root(service: Service, request: Request) -> Response:
    url = base_url(service, request)
    return respond.text(f"A TAP service of sedsql: {url}\nIt has {_PATHS}.\n")


async def _metrics(service: Service, request: Request) -> Response:
    return respond.document((await metrics(service)).encode(), METRICS_MIME)


def _below_async(answer: Callable[[Service, Request, str], Awaitable[Response]], *, job: bool = False) -> Answer:
    """Hand an endpoint the URL of the list of jobs, or of the job that the path names."""

    async def answered(service: Service, request: Request) -> Response:
        url = f"{base_url(service, request)}/async"
        return await answer(service, request, f"{url}/{request.path_params['job']}" if job else url)

    return answered


_ROUTES: dict[str, dict[str, Answer]] = {
    "/": {"GET": _root},
    "/metrics": {"GET": _metrics},
    "/tap": {"GET": _root},
    "/tap/capabilities": {"GET": _capabilities},
    "/tap/availability": {"GET": _availability},
    "/tap/tables": {"GET": _tables},
    "/tap/tables/{name:path}": {"GET": _table},
    "/tap/examples": {"GET": _examples},
    "/tap/sync": {"GET": sync, "POST": sync},
    "/tap/async": {"GET": _below_async(asynchronous.jobs_list), "POST": _below_async(asynchronous.new_job)},
    "/tap/deletejobs": {"POST": asynchronous.delete_jobs},
    "/tap/async/{job}": {
        "GET": _below_async(asynchronous.get_job, job=True),
        "POST": _below_async(asynchronous.post_job),
        "DELETE": _below_async(asynchronous.delete_job),
    },
    "/tap/async/{job}/results/result": {"GET": asynchronous.result},
    "/tap/async/{job}/{child}": {
        "GET": _below_async(asynchronous.get_child, job=True),
        "POST": _below_async(asynchronous.post_child, job=True),
    },
}


async def _no_such_path(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        message = f"{request.url.path[:80]} does not take {request.method}."
    else:
        message = f"There is no {request.url.path[:80]!r} here; a TAP service has {_PATHS}."
    response = respond.error(ServiceError(message, error.status_code), votable=_tells_votable(request))
    response.headers.update(error.headers or {})
    return response


async def _failed(request: Request, error: Exception) -> Response:
    if not isinstance(error, ServiceError):  # that is an answer that was cut off, which its line tells
        traceback.print_exception(error)
    return respond.error(ServiceError("The service failed at this request; its log has the reason.", 500))
