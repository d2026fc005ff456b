"""Limit how much a service may send, and how long it may take; beyond a limit there is an error, not an answer.

Every limit is far above what the public archives send, and small enough that no service fills a memory of 1 GB or
keeps a program waiting for ever.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """The limits for all answers of a service. Sizes are bytes, after unpacking unless told otherwise.

    In any document:

    document : capabilities and jobs; those of Gaia, VizieR and GAVO have 10 to 200 kB
    tables : the VOSI tables, which are read as they come; with all columns, those of VizieR have hundreds of MB
    error : the beginning of an HTTP error's body, in which a message is looked for
    words : characters of a service's message that are shown
    depth : elements in elements; VOTable, VOSI and UWS have ten
    elements : that a document has in all, or a VOTable besides its rows
    token : a tag with its attributes, or a comment: expat 2.5 reads it again with each block (CVE-2023-52425)
    text : between two tags, where no rows are

    In an answer to a query, where the number of rows is known and the columns say how wide they are:

    head : all of a VOTable but its rows
    columns : the widest tables of the archives have some 1,500
    row : a row, and so a cell; the longest cells, outlines of fields and spectra, have some 100 kB
    long : a cell of any length, on average, where nothing better is known
    rows : where a query has no limit of its own
    small : an answer that is no piece of a table: a count, a part of TAP_SCHEMA
    texts : cells of any length in a piece of a table, together; a piece with more is cut in smaller ones, for four of
        them come at a time
    listed : tables that a service lists; VizieR has 60,000

    On the wire, in time:

    overhead : of headers and what else is no body, on the wire, besides sixteen times the body
    redirects : from one address to the next; requests allows 30, browsers 20, services need two
    cookies : that are kept (RFC 6265, Section 6.1: at least 50, of 4,096 bytes)
    seconds : that a document may take in all, at 1 MB/s for the largest
    slow_bytes, slow_seconds : what comes in this time at least: 100 bytes a second, in five minutes

    In a download:

    parts : that a piece is cut in at once, however many rows a service claims
    pieces : of a table; Gaia DR3 with all columns has 90,000
    vain : pieces in a row that do not come, or are not counted, in time
    fewest : rows that a service gives at least, where it has more; the lowest limits of public services are 50
    """

    document: int = 16 * MB
    tables: int = 1024 * MB
    error: int = 100_000
    words: int = 1_000
    depth: int = 50
    elements: int = 100_000
    token: int = 2 * MB
    text: int = 4 * MB

    head: int = 16 * MB
    columns: int = 10_000
    row: int = 8 * MB
    long: int = 64 << 10
    rows: int = 100_000_000
    small: int = 64 * MB
    texts: int = 12 * MB
    listed: int = 300_000

    overhead: int = MB
    redirects: int = 10
    cookies: int = 50
    seconds: float = 1200.0
    slow_bytes: int = 30_000
    slow_seconds: float = 300.0

    parts: int = 64
    pieces: int = 200_000
    vain: int = 24
    fewest: int = 10


LIMITS = Limits()


@dataclass(frozen=True)
class Room:
    """The limits for the answer to one query.

    rows : asked for at most; an answer of more than twice as many is taken for endless
    texts : bytes of all cells of any length; `Limits.long` for each if None
    most : bytes of all rows, whatever their columns
    check : called with the columns before the first row comes; may raise
    """

    rows: int | None = None
    texts: int | None = None
    most: int | None = None
    check: Callable[[pa.Schema], Any] | None = None

    @property
    def most_rows(self) -> int | None:
        """Somewhat more than asked for: a table may have grown, and a service not know MAXREC."""
        return None if self.rows is None else 2 * self.rows + 1_000
