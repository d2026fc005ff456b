"""Choose the model that answers where a query names none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sedsql.inference.card import EXTRA, PARALLAX
from sedsql.inference.model import DEFAULT_MODEL, SKY_MODEL, Model

UNITS = dict(zip(EXTRA, ("mas", "mas", "deg", "deg"), strict=True))
"""Of what models take besides the bands (VOUnit)."""

POSITION = {*EXTRA} - {*PARALLAX}


@dataclass(frozen=True)
class Answering:
    """Which model answers where none is named, and what each takes after the bands.

    Attributes
    ----------
    extra : by model
    default : answers for a row without position, and for magnitudes
    sky : answers for a row with one
    models : by name, for checks of what queries say of them; none are made where it is empty
    """

    extra: Mapping[str, tuple[str, ...]]
    default: str = DEFAULT_MODEL
    sky: str = DEFAULT_MODEL
    models: Mapping[str, Model] = field(default_factory=dict)

    @classmethod
    def of(cls, models: Mapping[str, Model], default: str | None = None) -> "Answering":
        """Choose SKY_MODEL for rows with a position, if it is there and the user chose no `default`."""
        sky = SKY_MODEL if default is None and SKY_MODEL in models else default or DEFAULT_MODEL
        return cls({name: model.extra for name, model in models.items()}, default or DEFAULT_MODEL, sky, models)

    def of_row(self, there: set[str]) -> str:
        """Choose the model for a row that has these of EXTRA."""
        return self.sky if there >= POSITION else self.default


def given_extra(row: Mapping[str, str | None]) -> set[str]:
    """Find which of EXTRA a row has, in the units that models take."""
    return {name for name, unit in UNITS.items() if name in row and row[name] in (None, unit)}
