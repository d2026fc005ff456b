"""Write the documents of jobs (UWS 1.1, Section 2.2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from sedsql.mirror.tableset import in_xml, say
from sedsql.service.jobs import Job, Phase

_NAMESPACES = {
    "xmlns:uws": "http://www.ivoa.net/xml/UWS/v1.0",
    "xmlns:xlink": "http://www.w3.org/1999/xlink",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
_NIL = {"xsi:nil": "true"}


def iso(time: datetime) -> str:
    """A time as UWS writes it: UTC, with a Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _iso_or_none(time: datetime | None) -> str | None:
    return None if time is None else iso(time)


def job_list(jobs: Iterable[Job], url: str) -> bytes:
    """List jobs; `url` is the list's own."""
    root = Element("uws:jobs", {**_NAMESPACES, "version": "1.1"})
    for job in jobs:
        link = {"xlink:type": "simple", "xlink:href": f"{url}/{job.id}"}
        element = SubElement(root, "uws:jobref", {"id": job.id, **link})
        say(element, **{"uws:phase": job.phase, "uws:runId": job.runid})
        _add_or_nil(element, "uws:ownerId", job.owner)
        say(element, **{"uws:creationTime": iso(job.created)})
    return _document(root)


def job_document(job: Job, url: str, quote: datetime | None) -> bytes:
    """Describe a job; `url` is its own."""
    root = Element("uws:job", {**_NAMESPACES, "version": "1.1"})
    say(root, **{"uws:jobId": job.id, "uws:runId": job.runid})
    _add_or_nil(root, "uws:ownerId", job.owner)
    say(root, **{"uws:phase": job.phase})
    _add_or_nil(root, "uws:quote", _iso_or_none(quote))
    say(root, **{"uws:creationTime": iso(job.created)})
    _add_or_nil(root, "uws:startTime", _iso_or_none(job.started))
    _add_or_nil(root, "uws:endTime", _iso_or_none(job.ended))
    say(root, **{"uws:executionDuration": str(job.duration), "uws:destruction": iso(job.destruction)})
    _add_parameters(SubElement(root, "uws:parameters"), job)
    _add_results(SubElement(root, "uws:results"), job, url)
    if job.phase == Phase.ERROR:
        error = SubElement(root, "uws:errorSummary", {"type": "fatal", "hasDetail": "true"})
        say(error, **{"uws:message": job.error})
    return _document(root)


def parameters_document(job: Job) -> bytes:
    """List the parameters of a job alone."""
    root = Element("uws:parameters", _NAMESPACES)
    _add_parameters(root, job)
    return _document(root)


def results_document(job: Job, url: str) -> bytes:
    """List the results of a job alone."""
    root = Element("uws:results", _NAMESPACES)
    _add_results(root, job, url)
    return _document(root)


def _add_parameters(element: Element, job: Job) -> None:
    for name, value in job.parameters:
        say(element, **{"uws:parameter": value or " "})
        element[-1].set("id", in_xml(name))


def _add_results(element: Element, job: Job, url: str) -> None:
    if job.phase == Phase.COMPLETED:
        about = {"xlink:type": "simple", "xlink:href": f"{url}/results/result", "size": str(job.bytes)}
        SubElement(element, "uws:result", {"id": "result", **about, **({"mime-type": job.mime} if job.mime else {})})


def _add_or_nil(element: Element, name: str, text: str | None) -> None:
    if text:
        say(element, **{name: text})
    else:
        SubElement(element, name, _NIL)


def _document(root: Element) -> bytes:
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
