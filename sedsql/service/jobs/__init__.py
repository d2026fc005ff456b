"""Jobs that outlive a client's connection and the server itself (UWS 1.1): kept in SQLite, and in files of a spool."""

from sedsql.service.jobs.job import ACTIVE, Job, Phase
from sedsql.service.jobs.jobs import Jobs
from sedsql.service.jobs.limits import JobLimits
from sedsql.service.jobs.spool import Spool

__all__ = ["ACTIVE", "Job", "JobLimits", "Jobs", "Phase", "Spool"]
