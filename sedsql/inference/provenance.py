"""Say in a classified table where its classes come from."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from sedsql.inference.model import Model

if TYPE_CHECKING:
    from sedsql.files import Inputs


def provenance(model: Model, prior: str | None, inputs: Inputs, wanted: list[str]) -> dict[str, Any]:
    """Describe a classification: the model, its prior, the columns that were taken, sedsql's version, and when.

    prior : None for a model without one
    """
    return {
        "model": model.name,
        "model_sha256": model.sha256,
        **({"prior": prior} if prior else {}),
        "sedsql": version("sedsql"),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "columns": {one["name"]: _column(one) for one in inputs.mapping(wanted)},
    }


def _column(one: dict[str, Any]) -> str:
    return f"{one['column']} [{one['unit']}]" if one["unit"] else one["column"]
