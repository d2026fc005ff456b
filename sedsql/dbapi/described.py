"""Describe an answer: units, UCDs and descriptions of its columns, and the models that gave its classes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

import pyarrow as pa

from sedsql.adql.resolver.scope import Column
from sedsql.files.json import to_json
from sedsql.files.provenance import PROVENANCE

_ABOUT = ("unit", "ucd", "description")


def described(schema: pa.Schema, columns: Mapping[str, Column], query: str, models: Mapping[str, str]) -> pa.Schema:
    """Add what the catalogue tells of columns to the fields of a schema, and to it the provenance.

    columns : of the catalogue that the answer has, by lower-case name
    query, models : the ADQL, and name and SHA-256 of each model that it asks
    """
    fields = []
    for one in schema:
        column = columns.get(one.name.lower())
        about = {key: getattr(column, key) for key in _ABOUT if getattr(column, key, None)}
        fields.append(one.with_metadata({**(one.metadata or {}), **about}) if about else one)
    about = {key: to_json(value) for key, value in provenance(query, models).items()}
    return pa.schema(fields, {**(schema.metadata or {}), **about} or None)


def provenance(query: str, models: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Say, under PROVENANCE, where the classes of an answer come from; nothing where the query asks no model."""
    if not models:
        return {}
    about = {"model": ", ".join(models), "model_sha256": ", ".join(models.values())}
    time = datetime.now(UTC).isoformat(timespec="seconds")
    return {PROVENANCE: {**about, "sedsql": version("sedsql"), "time": time, "query": query}}
