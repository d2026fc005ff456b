"""Jobs of a new spool folder, as tests make them."""

import asyncio
import io
from pathlib import Path

from astropy.table import Table

from sedsql.service.errors import ServiceError
from sedsql.service.jobs import Jobs
from sedsql.service.workers import Task

QUERY = "SELECT source_id, ra FROM gaiadr3.gaia_source WHERE dec > 0 ORDER BY source_id"
LONG = "SELECT SUM(SQRT(a.ra + b.ra * c.ra)) AS total FROM {0} AS a, {0} AS b, {0} AS c".format("gaiadr3.gaia_source")


def task_of(job):
    values = {name.upper(): value for name, value in job.parameters}
    if "QUERY" not in values:
        raise ServiceError("QUERY is missing.")
    return Task(values["QUERY"], format=values.get("FORMAT", "arrow"))


def files(jobs: Jobs) -> list[str]:
    """The files of all jobs, by names of folders and files."""
    folder = jobs._spool.folder
    found = [*(folder / "jobs").rglob("*"), *(folder / "incoming").rglob("*")]
    return sorted(str(path.relative_to(folder)) for path in found if path.is_file())


async def made(jobs: Jobs, query: str = QUERY, **more):
    return await jobs.create([("QUERY", query)], client="someone", **more)


async def ended(jobs: Jobs, job):
    """The job once it has ended."""
    while job.is_active:
        job = await jobs.wait(job.id, 60)
    return job


async def ran(jobs: Jobs, query: str = QUERY, **more):
    job = await made(jobs, query, **more)
    await jobs.run(job.id)
    return await ended(jobs, job)


async def soon(holds) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


def upload(jobs: Jobs, **columns) -> Path:
    file, path = io.BytesIO(), jobs._spool.incoming()
    Table(columns).write(file, format="votable")
    path.write_bytes(file.getvalue())
    return path
