"""Understand the parameters of a TAP request (TAP 1.1, Section 2.7; DALI 1.1, Section 3): each mistake one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sedsql.files.errors import TableError
from sedsql.files.streams import FORMATS, StreamFormat, stream_format
from sedsql.service.errors import ServiceError

Pairs = Iterable[tuple[str, str]]

LANGUAGES = ("ADQL", "ADQL-2.0", "ADQL-2.1")
VERSIONS = ("1.0", "1.1")
_SINGLE = ("REQUEST", "QUERY", "LANG", "MAXREC", "RESPONSEFORMAT", "FORMAT", "RUNID", "VERSION", "PHASE")
_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
MOST_QUERY = 4 << 20
"""Letters of a query."""


class Upload(NamedTuple):
    """A table that a query names as TAP_UPLOAD.name, and where it is: `param:NAME`, or a URL."""

    name: str
    where: str

    @property
    def part(self) -> str | None:
        """The name of the part of the body that it is; None for a URL."""
        return self.where[6:] if self.where.lower().startswith("param:") else None


@dataclass(frozen=True)
class Query:
    """What a request asks for.

    maxrec : rows at most, as it was asked for; None where it was not
    """

    query: str
    maxrec: int | None
    format: StreamFormat
    runid: str | None = None


def query_of(pairs: Pairs) -> Query:
    """The query that parameters ask for. ServiceError where they are not good."""
    given = single(pairs)
    _check_request(given)
    query = given.get("QUERY", "")
    if not query.strip():
        raise ServiceError("The parameter QUERY is missing; it has the query in ADQL.")
    if len(query) > MOST_QUERY:
        raise ServiceError(
            f"The query has more than {MOST_QUERY:,} letters; upload a table in the place of lists.", 413
        )
    if "\0" in query:
        raise ServiceError("The query has a character that is no text (NUL).")
    return Query(query, maxrec_of(given.get("MAXREC")), _format(given), given.get("RUNID") or None)


def single(pairs: Pairs) -> dict[str, str]:
    """The parameters that this service knows, by their names in upper case; others are ignored, as DALI has it."""
    found: dict[str, str] = {}
    for name, value in pairs:
        name = name.upper()
        if name not in _SINGLE:
            continue
        if found.setdefault(name, value) != value:
            raise ServiceError(f"The parameter {name} is given twice, with different values; give it once.")
    return found


def uploads_of(pairs: Pairs) -> list[Upload]:
    """The tables that UPLOAD names. ServiceError where it is not good."""
    found: dict[str, Upload] = {}
    for text in (value for name, value in pairs if name.upper() == "UPLOAD"):
        for part in filter(None, (one.strip() for one in text.split(";"))):
            name, comma, where = (one.strip() for one in part.partition(","))
            if not comma or not where or where.lower() == "param:":
                raise ServiceError(f"UPLOAD takes NAME,param:PART or NAME,URL, not {part[:80]!r}.")
            if not _REGULAR.fullmatch(name):
                raise ServiceError(
                    f"{name[:40]!r} cannot be the name of an uploaded table; use a letter first, then letters, digits "
                    "and _."
                )
            if name.lower() in found:
                raise ServiceError(f"Two uploaded tables are called {name[:40]}; rename one.")
            found[name.lower()] = Upload(name, where)
    return list(found.values())


def without_parts(pairs: Pairs, uploads: Iterable[Upload]) -> Iterator[tuple[str, str]]:
    """The parameters but for those that are uploaded tables."""
    tables = {upload.part for upload in uploads}
    return ((name, value) for name, value in pairs if name not in tables)


def maxrec_of(text: str | None) -> int | None:
    """The value of MAXREC; None where there is none."""
    if text is None or not text.strip():
        return None
    if not re.fullmatch(r"\+?[0-9]{1,18}", text.strip(), re.ASCII):
        raise ServiceError(f"MAXREC is a whole number of rows, 0 or more, not {text[:40]!r}.")
    return int(text)


def _check_request(given: dict[str, str]) -> None:
    request = given.get("REQUEST", "doQuery")
    if request.lower() not in ("doquery", ""):
        raise ServiceError(f"REQUEST is doQuery, not {request[:40]!r}.")
    language = given.get("LANG", "ADQL")
    if language.upper() not in (*LANGUAGES, ""):
        raise ServiceError(f"This service takes queries in {', '.join(LANGUAGES)}; LANG is {language[:40]!r}.")
    version = given.get("VERSION", "")
    if version not in (*VERSIONS, ""):
        raise ServiceError(f"This service speaks TAP {' and '.join(VERSIONS)}; VERSION is {version[:40]!r}.")


def _format(given: dict[str, str]) -> StreamFormat:
    text = given.get("RESPONSEFORMAT") or given.get("FORMAT")
    if not text:
        return next(iter(FORMATS.values()))
    try:
        return stream_format(text)
    except TableError as error:
        raise ServiceError(f"{str(error).rstrip('.')}.") from None
