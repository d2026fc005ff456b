"""Ask a service for its tables: by TAP_SCHEMA (TAP 1.1, Section 4), or else by its VOSI tables."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from sedsql.adql.parser.identifiers import quoted
from sedsql.catalogue import Column, Key, Table, table_of
from sedsql.sql_text import literal, without_quotes
from sedsql.tap import vosi
from sedsql.tap.columns import columns_of, datatype
from sedsql.tap.errors import Damaged, Refused, TimedOut, Unavailable
from sedsql.tap.limits import Limits
from sedsql.tap.names import in_adql
from sedsql.tap.votable import Answer

T = TypeVar("T")


class Queryable(Protocol):
    """A service that can be asked for rows and documents: `service.Service`."""

    host: str
    limits: Limits

    def small(self, adql: str, maxrec: int | None = None) -> Answer: ...

    def document(self, path: str, read: Callable[[Iterator[bytes]], T], params: dict[str, str] | None = None) -> T: ...


def table(service: Queryable, name: str) -> Table:
    """See `Service.table`."""
    found = _find(service, name)
    if "columns" in found:
        columns = found["columns"]
    else:
        query = f"SELECT * FROM TAP_SCHEMA.columns WHERE table_name = {literal(found['table_name'])}"
        rows = _rows(service, query, "column_name")
        if any(isinstance(row.get("column_index"), int) for row in rows):
            rows.sort(key=lambda row: row.get("column_index") or 0)
        columns = [_column(service, row) for row in rows]
    if not columns:
        raise Refused(f"{service.host} does not say what columns {found['table_name']} has.")
    own = in_adql(found["table_name"])
    return table_of(own, _line(found.get("description")), _as_sent(service, own, columns))


def _as_sent(service: Queryable, name: str, columns: list[Column]) -> list[Column]:
    """Give the columns the types and units of an answer: schemas are written by hand, and differ."""
    try:
        answer = service.small(f"SELECT TOP 1 * FROM {name}", maxrec=1)
    except (Refused, TimedOut, Unavailable):
        return columns
    sent = {column.name.lower(): column for column in columns_of(answer.table.schema)}
    as_sent = []
    for column in columns:
        other = sent.get(column.name.lower(), column)
        is_time = column.datatype == "TIMESTAMP" and other.datatype == "VARCHAR"
        datatype = column.datatype if is_time else other.datatype
        as_sent.append(replace(column, datatype=datatype, unit=other.unit or column.unit))
    return as_sent


def keys(service: Queryable, name: str) -> list[Key]:
    """See `Service.keys`."""
    own = _find(service, name)["table_name"]
    rows = _rows_if_there(
        service,
        "SELECT k.key_id, k.from_table, k.target_table, c.from_column, c.target_column FROM TAP_SCHEMA.keys AS k "
        f"JOIN TAP_SCHEMA.key_columns AS c ON k.key_id = c.key_id WHERE k.from_table = {literal(own)}",
        *("from_table", "target_table", "from_column", "target_column"),
    )
    pairs: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        pairs.setdefault(str(row.get("key_id")), []).append(row)
    return [
        Key(
            key[0]["from_table"],
            key[0]["target_table"],
            tuple((without_quotes(row["from_column"]), without_quotes(row["target_column"])) for row in key),
        )
        for key in pairs.values()
    ]


def indexed(service: Queryable, name: str) -> list[str]:
    """See `Service.indexed`."""
    own = _find(service, name)["table_name"]
    rows = _rows_if_there(
        service,
        f"SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name = {literal(own)} AND indexed = 1",
        "column_name",
    )
    return [without_quotes(row["column_name"]) for row in rows]


def rows(service: Queryable, name: str) -> int | None:
    """See `Service.rows`; TAP_SCHEMA.tables of some services has it, VODataService 1.2 (Section 3.3) others."""
    found = _find(service, name)
    if isinstance(found.get("nrows"), int):
        return found["nrows"]
    try:
        return _vosi(service, found["table_name"])["nrows"]
    except Refused:
        return None


def _find(service: Queryable, name: str) -> dict[str, Any]:
    """Find the row of TAP_SCHEMA.tables, or the same from the VOSI tables, with `columns`."""
    plain = without_quotes(name)
    tries = dict.fromkeys([name, name.lower(), plain, ".".join(map(quoted, plain.split("."))), f'"{plain}"'])
    try:
        found = _rows(
            service,
            f"SELECT * FROM TAP_SCHEMA.tables WHERE table_name IN ({', '.join(map(literal, tries))})",
            "table_name",
        )
        if not found:
            listed = _rows(service, "SELECT table_name FROM TAP_SCHEMA.tables", "table_name")
            chosen = _choose(service, name, [row["table_name"] for row in listed])
            query = f"SELECT * FROM TAP_SCHEMA.tables WHERE table_name = {literal(chosen)}"
            found = _rows(service, query, "table_name")
    except NoSuchTableError:
        raise
    except Refused:
        return _vosi(service, name)
    if not found:
        raise Damaged(f"{service.host} lists the table {chosen}, and does not know it when it is asked for it.")
    return next((row for row in found if row["table_name"] == name), found[0])


class NoSuchTableError(Refused):
    """The service has no table of this name."""


def _choose(service: Queryable, name: str, names: list[str]) -> str:
    by_plain = {without_quotes(known).lower(): known for known in names}
    plain = without_quotes(name).lower()
    if plain in by_plain:
        return by_plain[plain]
    without_schema = {key.rpartition(".")[2]: key for key in by_plain}
    near = get_close_matches(plain, by_plain, 3, 0.6) or [
        without_schema[key] for key in get_close_matches(plain.rpartition(".")[2], without_schema, 3, 0.6)
    ]
    there = f"; there is {', '.join(by_plain[key] for key in near)}" if near else ""
    raise NoSuchTableError(f"{service.host} has no table {name}{there}.")


def _vosi(service: Queryable, name: str) -> dict[str, Any]:
    """Read a table from the VOSI document (VODataService 1.2, Section 3.3)."""
    names, _ = service.document("tables", lambda came: vosi.tables(came, service.limits), {"detail": "min"})
    chosen = _choose(service, name, names)
    # With all columns the document of a large archive is large, too; most services have one for each table.
    for path in (f"tables/{quote(chosen)}", "tables"):
        with suppress(Refused):
            _, found = service.document(path, lambda came: vosi.tables(came, service.limits, chosen))
            if found and found["columns"]:
                return found | {"columns": [_column(service, row) for row in found["columns"]]}
    return {"table_name": chosen, "description": None, "nrows": None, "columns": []}


def _rows(service: Queryable, adql: str, *needed: str) -> list[dict[str, Any]]:
    """Ask for rows of TAP_SCHEMA; Damaged where one of the `needed` columns is missing, or is no text in a row."""
    table = service.small(adql, maxrec=service.limits.listed).table
    try:
        rows = [{key.lower(): value for key, value in row.items()} for row in table.to_pylist()]
    except (ValueError, OverflowError) as error:  # times that Python does not have
        raise Damaged(f"{service.host} answers rows that cannot be of TAP_SCHEMA: {error}.") from None
    for name in needed:
        if not all(isinstance(row.get(name), str) for row in rows):
            raise Damaged(f"{service.host} does not say what {name} is in a row of TAP_SCHEMA, which must be text.")
    return rows


def _rows_if_there(service: Queryable, adql: str, *needed: str) -> list[dict[str, Any]]:
    """The same of a part of TAP_SCHEMA that some services do without; then there are no rows."""
    try:
        return _rows(service, adql, *needed)
    except Refused:
        return []


def _column(service: Queryable, row: dict[str, Any]) -> Column:
    name = without_quotes(row["column_name"])
    if not name:
        raise Damaged(f"{service.host} has a column without a name.")
    return Column(name, datatype(row), _line(row.get("unit")), _line(row.get("ucd")), _line(row.get("description")))


def _line(text: Any) -> str | None:
    return " ".join(str(text).split()) or None if text is not None else None
