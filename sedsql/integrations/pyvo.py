"""Search a mirror as pyvo searches TAP services, so that a notebook written for an archive changes one line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from astropy.io.votable.tree import Info, TableElement, VOTableFile
from astropy.table import Table
from pyvo.dal import DALQueryError, DALServiceError
from pyvo.dal.tap import TAPResults
from pyvo.dal.vosi import VOSITables
from pyvo.io.vosi import parse_tables

from sedsql.dbapi.connection import Connection, connect
from sedsql.errors import DatabaseError
from sedsql.files import Rows, from_arrow
from sedsql.files.object_storage.addresses import address_of
from sedsql.files.place import at_home
from sedsql.files.resources import folder
from sedsql.files.votables import to_votable
from sedsql.integrations.pyvo_jobs import MirrorJob, MirrorQuery
from sedsql.mirror.tableset import tableset

if TYPE_CHECKING:
    from sedsql.inference.engines import Engine


class TAPMirror:
    """A mirror that is searched as a `pyvo.dal.TAPService` is; results are pyvo's own `TAPResults`.

    Attributes
    ----------
    connection : the mirror as a DB-API connection, for all else
    baseurl : the mirror's folder, as a URL
    available : True, as a service says that it is up
    maxrec, hardlimit : rows that a search gives unless told: all

    Examples
    --------
    What was ``service = pyvo.dal.TAPService("https://gea.esac.esa.int/tap-server/tap")`` becomes
    ``service = sedsql.TAPMirror("mirror")``.

    >>> import sedsql
    >>> from astropy.table import Table
    >>> service = sedsql.TAPMirror("sky")
    >>> targets = Table({"name": ["Orion Nebula", "Galactic Centre"], "ra": [83.8, 266.4], "dec": [-5.4, -29.0]})
    >>> query = "SELECT t.name, COUNT(*) AS n FROM TAP_UPLOAD.targets AS t, gaiadr3.gaia_source AS g"
    >>> near = " WHERE DISTANCE(POINT(t.ra, t.dec), POINT(g.ra, g.dec)) < 5 GROUP BY t.name ORDER BY n"
    >>> results = service.search(query + near, uploads={"targets": targets})
    >>> results["name"].tolist()
    ['Orion Nebula', 'Galactic Centre']
    >>> service.close()
    """

    maxrec = hardlimit = None
    available, up_since, upload_methods = True, None, ()

    def __init__(
        self,
        mirror: str | os.PathLike[str],
        *,
        models: Iterable[str | Path] | None = None,
        engine: Engine | None = None,
    ):
        self.connection: Connection = connect(Path(mirror), models=models, engine=engine)
        self.baseurl = address_of(mirror) or at_home(mirror).absolute().as_uri()
        self._jobs: dict[str, MirrorJob] = {}
        self._number = count(1)

    @property
    def tables(self) -> VOSITables:
        """The tables by name, as pyvo has them, with columns, units, UCDs and descriptions."""
        return VOSITables(parse_tables(BytesIO(tableset(self.connection.catalogue)).read), "")

    def search(
        self,
        query: str,
        *,
        language: str = "ADQL",
        maxrec: int | None = None,
        uploads: Mapping[str, Rows] | None = None,
        **keywords: Any,
    ) -> TAPResults:
        """The answer to an ADQL query.

        Parameters
        ----------
        query : ADQL
        language : ADQL and nothing else
        maxrec : rows at most; where there are more, `query_status` is OVERFLOW, as with a service
        uploads : tables by name, `TAP_UPLOAD.name` in the query: astropy's, Arrow's, results, or files of any format
            that sedsql reads
        keywords : ignored: what else pyvo takes is for a service on the network

        Raises
        ------
        pyvo.dal.DALQueryError
            Where the query is not good, with the place in it.
        """
        if language.upper().split("-")[0] != "ADQL":
            raise DALQueryError(f"A mirror takes queries in ADQL, not in {language}.")
        try:
            for name, upload in (uploads or {}).items():
                self.connection.upload(name, _rows(upload))
            try:
                rows, more = _at_most(self.connection.execute(query).batches(), maxrec)
            finally:
                for name in uploads or {}:
                    self.connection.drop_upload(name)
        except DatabaseError as error:
            raise DALQueryError(str(error)) from error
        votable = to_votable(from_arrow(rows))
        resource = votable.resources[0]
        resource.type = "results"
        resource.infos.append(Info(name="QUERY_STATUS", value="OVERFLOW" if more else "OK"))
        results = TAPResults(votable)
        results.check_overflow_warning(maxrec)
        return results

    run_sync = run_async = search

    def create_query(
        self,
        query: str | None = None,
        *,
        mode: str = "sync",
        language: str = "ADQL",
        maxrec: int | None = None,
        uploads: Mapping[str, Rows] | None = None,
        **keywords: Any,
    ) -> MirrorQuery:
        """Make a query, as pyvo's `TAPQuery`, that `.execute()` runs; the arguments are those of `search`."""
        given = {"language": language, "maxrec": maxrec, "uploads": uploads}
        return MirrorQuery(self.search, self.baseurl, query, mode, **given)

    def submit_job(
        self,
        query: str,
        *,
        language: str = "ADQL",
        maxrec: int | None = None,
        uploads: Mapping[str, Rows] | None = None,
        **keywords: Any,
    ) -> MirrorJob:
        """Make a job, as pyvo's `AsyncTAPJob`, that `.run()` runs to its end; the arguments are those of `search`."""
        asked = self.create_query(query, mode="async", language=language, maxrec=maxrec, uploads=uploads)
        job = MirrorJob(next(self._number), asked, lambda number: self._jobs.pop(number, None))
        self._jobs[job.job_id] = job
        return job

    def get_job(self, job_id: str) -> MirrorJob:
        """The job of that name, of those that this object has submitted and not deleted."""
        if job_id not in self._jobs:
            raise DALServiceError(f"There is no job {job_id!r}; there are {', '.join(self._jobs) or 'none'}")
        return self._jobs[job_id]

    def get_job_list(self, *, phases: Any = None, last: int | None = None, **keywords: Any) -> list[MirrorJob]:
        """The jobs that this object has submitted and not deleted."""
        jobs = [job for job in self._jobs.values() if not phases or job.phase in phases]
        return jobs if last is None else jobs[-last:]

    @property
    def examples(self) -> list[MirrorQuery]:
        """The queries of `sql/examples`."""
        files = sorted((folder("sql") / "examples").glob("*.adql"))
        return [self.create_query(path.read_text(encoding="utf-8")) for path in files]

    def describe(self, width: int | None = None) -> None:
        """Print what the mirror has."""
        for table in self.connection.catalogue.tables.values():
            print(f"{table.name}: {table.description or 'no description'}")

    def __repr__(self) -> str:
        return f"TAPMirror({self.baseurl!r})"

    def _repr_html_(self) -> str | None:
        return self.connection._repr_html_()

    def close(self) -> None:
        """Close the mirror."""
        self.connection.close()

    def __enter__(self) -> TAPMirror:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _rows(upload: Any) -> Rows:
    """Read what pyvo takes for an upload besides tables: a file that is open, and a VOTable in memory."""
    if hasattr(upload, "read") and not isinstance(upload, Table):
        return Table.read(upload, format="votable", use_names_over_ids=True)
    if isinstance(upload, VOTableFile):
        return upload.get_first_table().to_table(use_names_over_ids=True)
    return upload.to_table(use_names_over_ids=True) if isinstance(upload, TableElement) else upload


def _at_most(reader: pa.RecordBatchReader, rows: int | None) -> tuple[pa.Table, bool]:
    """Read the first rows of an answer, and tell whether it has more."""
    batches, count = [], 0
    for batch in reader:
        batches.append(batch)
        count += batch.num_rows
        if rows is not None and count > rows:
            break
    return pa.Table.from_batches(batches, reader.schema).slice(0, rows), rows is not None and count > rows
