"""A server of jobs under load, to be killed at any moment.

    job_server.py MIRROR SPOOL load|finish

It prints a line of JSON for each thing that a client was told or is about to ask, and for what it found at its start.
With `load` clients make, run, abort and delete jobs until it is killed; with `finish` it runs what there is and ends.
"""

import asyncio
import io
import json
import os
import random
import sys
from pathlib import Path

from astropy.table import Table

from sedsql.service.errors import ServiceError
from sedsql.service.jobs import ACTIVE, Jobs, Phase, Spool
from sedsql.service.workers import Pool, Settings, Task

ROWS = "SELECT TOP {} source_id, ra, dec FROM gaiadr3.gaia_source"
UPLOAD = "SELECT m.x, g.ra FROM TAP_UPLOAD.mine AS m, (SELECT TOP {} ra FROM gaiadr3.gaia_source) AS g"
LONG = "SELECT TOP {} a.ra * b.ra AS x FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b"
CLIENTS = 8


def say(**words) -> None:
    os.write(1, (json.dumps(words) + "\n").encode())


def task_of(job) -> Task:
    return Task(dict(job.parameters)["QUERY"], format="csv")


async def client(jobs: Jobs, spool: Spool, name: str, chance: random.Random) -> None:
    while True:
        rows = chance.randrange(1, 1_500)
        query = chance.choice([ROWS, UPLOAD, LONG]).format(rows if chance.random() < 0.7 else rows * 300)
        uploads = {}
        if "mine" in query:
            file, path = io.BytesIO(), spool.incoming()
            Table({"x": [1]}).write(file, format="votable")
            path.write_bytes(file.getvalue())
            uploads = {"mine": path}
        job = await jobs.create([("QUERY", query)], client=name, uploads=uploads)
        say(created=job.id, query=query)
        await jobs.run(job.id)
        await jobs.wait(job.id, chance.uniform(0, 0.5))
        if chance.random() < 0.3:
            await jobs.abort(job.id)
        while (job := await jobs.wait(job.id, 10)).is_active:
            pass
        say(ended=job.id, phase=job.phase)
        if chance.random() < 0.3:
            say(deleting=job.id)
            await jobs.delete(job.id)
            say(deleted=job.id)


def found(spool: Spool) -> list[str]:
    """The files of the spool's jobs and of what was on its way."""
    paths = [*(spool.folder / "jobs").rglob("*"), *(spool.folder / "incoming").rglob("*")]
    return sorted(str(path.relative_to(spool.folder)) for path in paths if path.is_file())


async def main(mirror: Path, folder: Path, what: str) -> None:
    spool = Spool(folder)
    pool = Pool(Settings(mirror, spool.temporary, threads=1), workers=1, keep_open=[spool.lock])
    jobs = Jobs(spool, pool, task_of)
    # The pool starts after the jobs are in order, so that nothing runs yet when they are looked at.
    recovered = await jobs.start()
    every = await jobs.find()
    say(
        jobs={job.id: [job.phase, job.bytes, job.error, [file for _, file in job.uploads]] for job in every},
        files=found(spool),
        failed=[job.id for job in recovered.failed],
    )
    await pool.start()
    say(processes=pool.processes)
    if what == "load":
        chance = random.Random(os.getpid())
        await asyncio.gather(*(client(jobs, spool, f"client-{i}", chance) for i in range(CLIENTS)))
    for job in every:
        while job.phase in ACTIVE - {Phase.PENDING}:
            job = await jobs.wait(job.id, 10)
        say(ended=job.id, phase=job.phase)
    await jobs.stop()
    await pool.stop()
    spool.close()


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
    except ServiceError as error:
        say(refused=error.message)
