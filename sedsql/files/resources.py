"""Find the SQL files and the shipped models: beside the package in a checkout, inside it in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def folder(name: str) -> Path:
    """The folder `name` ('sql' or 'models')."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
