"""Answer queries at once: /tap/sync (TAP 1.1, Section 2.1)."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from sedsql.service.errors import ServiceError
from sedsql.service.fetch import fetch
from sedsql.service.multipart import to_file
from sedsql.service.parameters import Upload, query_of, single, uploads_of
from sedsql.service.receive import Received, receive
from sedsql.service.respond import Streamed, head_of, see_other
from sedsql.service.service import Service
from sedsql.service.workers import Run, Task


async def received_by(service: Service, request: Request) -> Received:
    """Receive a request with what it uploads."""
    return await receive(request, service.spool.incoming, service.settings.most_bytes, service.memory)


async def files_of(service: Service, received: Received, uploads: list[Upload]) -> dict[str, Path]:
    """The file of each table that a request uploads, by the table's name; those that URLs name are fetched."""
    if len(uploads) > service.settings.jobs.uploads:
        raise ServiceError(f"A query may have {service.settings.jobs.uploads} uploaded tables.", 413)
    files = {}
    for upload in uploads:
        part = upload.part
        if part is None:
            files[upload.name] = await _fetched(service, received, upload)
        elif part in received.parts:
            files[upload.name] = _own_file(received, part)
        else:
            raise ServiceError(
                f"UPLOAD says that {upload.name} is the part {part[:40]!r} of the body, which is not there."
            )
    return files


def _own_file(received: Received, part: str) -> Path:
    """A file of a part, another one for each table that it is."""
    path = received.new_path()
    os.link(to_file(received.parts[part], received.new_path), path)
    return path


async def _fetched(service: Service, received: Received, upload: Upload) -> Path:
    hosts = service.settings.upload_hosts
    if not hosts:
        raise ServiceError(
            f"This service fetches no tables from elsewhere; send {upload.name} with the request (param:)."
        )
    path = received.new_path()
    async with service.fetching:
        await run_in_threadpool(fetch, upload.where, path, hosts, service.settings.worker.uploads.bytes)
    return path


async def sync(service: Service, request: Request) -> Response:
    """Run a query and stream its answer."""
    received = await received_by(service, request)
    try:
        if single(received.pairs).get("REQUEST", "").lower() == "getcapabilities":
            return see_other("capabilities")
        files = await files_of(service, received, uploads_of(received.pairs))
        task = service.task(query_of(received.pairs))
        task = Task(task.query, task.maxrec, task.format, tuple(files.items()), infos=task.infos)
        run = service.pool.submit(task, client=client_of(request), seconds=service.settings.seconds)
    except BaseException:
        received.close()
        raise
    return await _answer(run, request, received)


async def _answer(run: Run, request: Request, received: Received) -> Response:
    try:
        mime = await head_of(run, request)
    except BaseException:
        run.cancel()
        received.close()
        raise
    return Streamed(run, mime, partial(received.close))


def client_of(request: Request) -> str:
    """Whose turn a query takes."""
    if (user := getattr(request.state, "user", None)) is not None:
        return f"user {user}"
    return request.client.host if request.client else "unknown"
