"""What a service says of its tables: TAP_SCHEMA (TAP 1.1, Section 4), or else its VOSI tables; and what it sends."""

import re
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa

from ..catalogue import Column, Key, Table, table_of
from ..sqltext import literal
from . import vosi
from .errors import Changed, Damaged, Refused, TimedOut, Unavailable

if TYPE_CHECKING:
    from .service import Service

_TYPES = {
    "BIGINT": ("bigint", "long", "int8", "count"),
    "INTEGER": ("integer", "int", "int4"),
    "SMALLINT": ("smallint", "short", "unsignedbyte", "int2", "tinyint"),
    "DOUBLE": ("double", "double precision", "numeric", "float8"),
    "REAL": ("real", "float", "float4"),
    "BOOLEAN": ("boolean", "bool", "bit"),
    "TIMESTAMP": ("timestamp", "datetime"),
}
_DATATYPES = {word: datatype for datatype, words in _TYPES.items() for word in words}
_ARROW = {
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.int16(): "SMALLINT",
    pa.float64(): "DOUBLE",
    pa.float32(): "REAL",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us"): "TIMESTAMP",
}
_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_RESERVED = frozenset(
    """ABS ALL AND AREA AS AVG BOX CIRCLE CONTAINS COUNT DATE DAY DISTANCE DOMAIN END EXP EXTERNAL FLOOR FROM GROUP
    HOUR IN INT IS KEY LANGUAGE LEVEL LOG MAX MIN MINUTE MOD MODULE MONTH NAMES NOT NULL OR ORDER POINT POLYGON POSITION
    POWER RAND REAL REGION ROUND ROWS SECOND SECTION SELECT SESSION SIGN SIZE SQRT SUM TABLE TIME TIMESTAMP TO TOP
    TRANSLATION UNION USER VALUE VALUES VIEW WHEN WHERE WORK YEAR ZONE""".split()  # noqa: SIM905
)
"""Words that catalogues use for columns, and ADQL 2.1 (Section 2.1.3) for itself."""


def quoted(name: str) -> str:
    """The name as ADQL takes it: between double quotes where it is no regular identifier (ADQL 2.1, Section 2.1.4)."""
    if _REGULAR.match(name) and name.upper() not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def table(service: "Service", name: str) -> Table:
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
    own = _in_adql(found["table_name"])
    return table_of(own, _line(found.get("description")), _as_sent(service, own, columns))


def _as_sent(service: "Service", name: str, columns: list[Column]) -> list[Column]:
    """The columns with the types and units of an answer: schemas are written by hand, and differ."""
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


def keys(service: "Service", name: str) -> list[Key]:
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


def indexed(service: "Service", name: str) -> list[str]:
    """See `Service.indexed`."""
    own = _find(service, name)["table_name"]
    rows = _rows_if_there(
        service,
        f"SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name = {literal(own)} AND indexed = 1",
        "column_name",
    )
    return [without_quotes(row["column_name"]) for row in rows]


def rows(service: "Service", name: str) -> int | None:
    """See `Service.rows`; TAP_SCHEMA.tables of some services has it, VODataService 1.2 (Section 3.3) others."""
    found = _find(service, name)
    if isinstance(found.get("nrows"), int):
        return found["nrows"]
    try:
        return _vosi(service, found["table_name"])["nrows"]
    except Refused:
        return None


def columns_of(schema: pa.Schema) -> list[Column]:
    """The columns of an answer, in TAP's words; a list is as DuckDB writes it, DOUBLE[]."""
    columns = []
    for field in schema:
        about = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        kind, lists = field.type, ""
        while pa.types.is_list(kind):
            kind, lists = kind.value_type, lists + "[]"
        datatype = _ARROW.get(kind, "VARCHAR") + lists
        columns.append(Column(field.name, datatype, *(about.get(key) for key in ("unit", "ucd", "description"))))
    return columns


def same_columns(expected: Table, answer: pa.Schema) -> None:
    """Raises Changed where columns of the answer are missing, new, or of another type or unit than expected."""
    found = {column.name.lower(): column for column in columns_of(answer)}
    missing = [column.name for key, column in expected.columns.items() if key not in found]
    new = [column.name for key, column in found.items() if key not in expected.columns]
    differences = [f"without {', '.join(missing)}"] if missing else []
    differences += [f"with {', '.join(new)}"] if new else []
    for key, column in expected.columns.items():
        other = found.get(key, column)
        is_time = column.datatype == "TIMESTAMP" and other.datatype == "VARCHAR"
        if other.datatype != column.datatype and not is_time:
            differences.append(f"with {column.name} as {other.datatype} where {column.datatype} was")
        if other.unit and other.unit != column.unit:  # many services leave units out of some answers
            differences.append(f"with {column.name} in {other.unit} where {column.unit or 'no unit'} was")
    if len(found) != len(answer):
        differences.append("with two columns of one name")
    if differences:
        raise Changed(f"The service sends {expected.name} {'; '.join(differences)}.")


def _find(service: "Service", name: str) -> dict[str, Any]:
    """The row of TAP_SCHEMA.tables, or what the VOSI tables say with `columns`."""
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


def _choose(service: "Service", name: str, names: list[str]) -> str:
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


def _vosi(service: "Service", name: str) -> dict[str, Any]:
    """A table as the VOSI document has it (VODataService 1.2, Section 3.3)."""
    names, _ = service.document("tables", lambda came: vosi.tables(came, service.limits), {"detail": "min"})
    chosen = _choose(service, name, names)
    # With all columns the document of a large archive is, too; most give a table's own.
    for path in (f"tables/{quote(chosen)}", "tables"):
        with suppress(Refused):
            _, found = service.document(path, lambda came: vosi.tables(came, service.limits, chosen))
            if found and found["columns"]:
                return found | {"columns": [_column(service, row) for row in found["columns"]]}
    return {"table_name": chosen, "description": None, "nrows": None, "columns": []}


def _rows(service: "Service", adql: str, *needed: str) -> list[dict[str, Any]]:
    """Rows of TAP_SCHEMA; Damaged where one of the `needed` columns is not there, or is no text in a row."""
    table = service.small(adql, maxrec=service.limits.listed).table
    try:
        rows = [{key.lower(): value for key, value in row.items()} for row in table.to_pylist()]
    except (ValueError, OverflowError) as error:  # times that Python does not have
        raise Damaged(f"{service.host} answers what is no row of TAP_SCHEMA: {error}.") from None
    for name in needed:
        if not all(isinstance(row.get(name), str) for row in rows):
            raise Damaged(f"{service.host} does not say what {name} is in a row of TAP_SCHEMA, which must be text.")
    return rows


def _rows_if_there(service: "Service", adql: str, *needed: str) -> list[dict[str, Any]]:
    """The same of a part of TAP_SCHEMA that one can do without, and some services do."""
    try:
        return _rows(service, adql, *needed)
    except Refused:
        return []


def _column(service: "Service", row: dict[str, Any]) -> Column:
    name = without_quotes(row["column_name"])
    if not name:
        raise Damaged(f"{service.host} has a column without a name.")
    return Column(name, _datatype(row), _line(row.get("unit")), _line(row.get("ucd")), _line(row.get("description")))


def _datatype(row: dict[str, Any]) -> str:
    """TAP's word for a type that is told in the words of TAP 1.0 (adql:DOUBLE) or of VOTable (double, arraysize *)."""
    word = str(row.get("datatype") or "").lower().removeprefix("adql:")
    size = str(row.get("arraysize") or "").strip()
    if match := re.match(r"([a-z0-9_ ]+?)\s*\(([\d*x]*)\)", word):
        word, size = match[1], size or match[2]
    if str(row.get("xtype") or "").lower().endswith("timestamp"):
        return "TIMESTAMP"
    datatype = _DATATYPES.get(word, "VARCHAR")
    if datatype in ("VARCHAR", "TIMESTAMP"):
        return datatype
    return datatype + ("[]" * (size.count("x") + 1) if size not in ("", "1") else "")


def without_quotes(name: str) -> str:
    """A name without its quotes, with all its parts."""
    return re.sub(r'"((?:[^"]|"")+)"', lambda match: match[1].replace('""', '"'), name.strip())


def _in_adql(name: str) -> str:
    """A table's name as a query has it: services should write it so in TAP_SCHEMA, quotes included, and some do not."""
    if '"' in name or all(_REGULAR.match(part) for part in name.split(".")):
        return name
    schema, dot, own = name.partition(".")
    return f"{schema}.{quoted(own)}" if dot and _REGULAR.match(schema) else quoted(name)


def _line(text: Any) -> str | None:
    return " ".join(str(text).split()) or None if text is not None else None
