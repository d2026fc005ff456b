"""Compare the columns of an answer with those of a table, in the types of TAP."""

import re
from typing import Any

import pyarrow as pa

from sedsql.catalogue import Column, Table
from sedsql.catalogue.datatypes import of_arrow, of_word
from sedsql.tap.errors import Changed


def columns_of(schema: pa.Schema) -> list[Column]:
    """The columns of an answer, in the types of TAP; a list is as DuckDB writes it, DOUBLE[]."""
    columns = []
    for field in schema:
        about = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        datatype = of_arrow(field.type) or "VARCHAR"
        columns.append(Column(field.name, datatype, *(about.get(key) for key in ("unit", "ucd", "description"))))
    return columns


def same_columns(expected: Table, answer: pa.Schema) -> None:
    """Raise Changed where columns of the answer are missing, new, or of another type or unit than expected."""
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


def datatype(row: dict[str, Any]) -> str:
    """The type of a column by its row of TAP_SCHEMA, in the words of TAP 1.0 (adql:DOUBLE) or VOTable (double, *)."""
    word = str(row.get("datatype") or "").lower().removeprefix("adql:")
    size = str(row.get("arraysize") or "").strip()
    if match := re.match(r"([a-z0-9_ ]+?)\s*\(([\d*x]*)\)", word):
        word, size = match[1], size or match[2]
    if str(row.get("xtype") or "").lower().endswith("timestamp"):
        return "TIMESTAMP"
    found = of_word(word) or "VARCHAR"
    if found in ("VARCHAR", "TIMESTAMP"):
        return found
    return found + ("[]" * (size.count("x") + 1) if size not in ("", "1") else "")
