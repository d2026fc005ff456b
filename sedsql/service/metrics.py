"""Tell numbers of a service to Prometheus, in its text format."""

from __future__ import annotations

from sedsql.service.service import Service

MIME = "text/plain; version=0.0.4; charset=utf-8"


async def metrics(service: Service) -> str:
    """All numbers, as they are now."""
    pool, counts = service.pool, service.pool.counts
    lines: list[str] = []

    def tell(name: str, kind: str, about: str, *values: tuple[str, float]) -> None:
        full = f"sedsql_{name}"
        lines.extend([f"# HELP {full} {about}", f"# TYPE {full} {kind}"])
        lines.extend(f"{full}{labels} {value:g}" for labels, value in values)

    ended = ('{kind="query"}', counts.queries), ('{kind="job"}', counts.jobs)
    tell("queries_total", "counter", "Queries that ended.", *ended)
    tell("queries_failed_total", "counter", "Queries that ended with an error.", ("", counts.failed))
    tell("queries_stopped_total", "counter", "Queries that were stopped.", ("", counts.stopped))
    tell("queries_refused_total", "counter", "Queries that were refused as too many waited.", ("", counts.refused))
    tell("rows_total", "counter", "Rows of answers.", ("", counts.rows))
    tell("bytes_total", "counter", "Bytes of answers.", ("", counts.bytes))
    tell("query_seconds_total", "counter", "Seconds that queries ran.", ("", counts.seconds))
    waiting = ('{kind="query"}', pool.waiting), ('{kind="job"}', pool.waiting_jobs)
    tell("queries_waiting", "gauge", "Queries that wait for a worker.", *waiting)
    tell("queries_running", "gauge", "Queries that run.", ("", pool.running))
    tell("workers", "gauge", "Processes that run queries.", ("", pool.workers))
    phases = await service.jobs.phases()
    tell("jobs", "gauge", "Jobs by phase.", *((f'{{phase="{phase}"}}', count) for phase, count in phases.items()))
    tell(
        "jobs_bytes",
        "gauge",
        "Bytes of jobs that are kept: uploads, results, parameters.",
        ("", await service.jobs.bytes()),
    )
    return "\n".join(lines) + "\n"
