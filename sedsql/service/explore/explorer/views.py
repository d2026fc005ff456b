"""The views that a page asks for: their axes, their domains and how many cells or bins they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sedsql.service.errors import ServiceError
from sedsql.service.explore.explorer.axes import Axis
from sedsql.service.explore.explorer.columns import Columns
from sedsql.service.explore.explorer.fields import list_of, object_of, only, ranges_of, whole_of

MOST_VIEWS = 12
_SIDE, _BINS, _NUMBERS = 4096, 4096, 1 << 23
"""Cells along an axis of a plane, bins of a line, and cells of a view times classes at most."""

Range = tuple[float, float]


@dataclass(frozen=True)
class View:
    """A plane, with two axes, or a line, with one.

    axes, sizes : as many as it has dimensions; the sizes count cells
    domain : what is shown of each axis; None before it is chosen
    """

    name: str
    axes: tuple[Axis, ...]
    sizes: tuple[int, ...]
    domain: tuple[Range, ...] | None = None

    @property
    def is_plane(self) -> bool:
        return len(self.axes) == 2

    @property
    def is_sky(self) -> bool:
        """Whether it is a map with a longitude from left to right."""
        return self.is_plane and self.axes[0].is_longitude

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return self.sizes[0] * (self.sizes[1] if self.is_plane else 1)

    def shown(self, domain: tuple[Range, ...]) -> View:
        """The same view with a domain; the longitudes of a map are counted so that they lie in it."""
        if not self.is_sky:
            return replace(self, domain=domain)
        (low, high), _ = domain
        start = (low + high) / 2 - 180
        turned = self.axes[0] if low >= 0 and high <= 360 else self.axes[0].turned(start)
        return replace(self, domain=domain, axes=(turned, self.axes[1]))


def views_of(value: Any, columns: Columns, classes: int) -> dict[str, View]:
    """Read the views that a request asks for. ServiceError where they are not good.

    classes : that rows are counted by
    """
    values = object_of(value, "views")
    if len(values) > MOST_VIEWS:
        raise ServiceError(f"views has {len(values)} views; it may have {MOST_VIEWS}.", 413)
    views = {name: _view(name, one, columns) for name, one in values.items()}
    for view in views.values():
        if view.cells * classes > _NUMBERS:
            most = _NUMBERS // classes
            raise ServiceError(
                f"The view {view.name[:40]!r} has {view.cells:,} cells; with these classes it may have {most:,}.", 413
            )
    return views


def _view(name: str, value: Any, columns: Columns) -> View:
    what = f"The view {name[:40]!r}"
    values = object_of(value, what)
    kind = values.get("kind")
    if kind not in ("plane", "line"):
        raise ServiceError(f"{what}: kind is 'plane' or 'line'.")
    is_plane = kind == "plane"
    only(values, ("kind", "x", "y", "size", "domain") if is_plane else ("kind", "x", "bins", "domain"), what)
    axes = tuple(
        Axis.of(values.get(key), columns, f"{key} of the view {name[:40]!r}") for key in ("x", "y")[: 1 + is_plane]
    )
    if is_plane:
        given = list_of(values.get("size"), f"{what}: size", 2)
        if len(given) != 2:
            raise ServiceError(f"{what}: size is a list of two whole numbers.")
        sizes = tuple(whole_of(one, f"{what}: size", 1, _SIDE) for one in given)
    else:
        sizes = (whole_of(values.get("bins"), f"{what}: bins", 1, _BINS),)
    view = View(name, axes, sizes)
    return view.shown(_domain(values, what, axes)) if values.get("domain") is not None else view


def _domain(values: Mapping[str, Any], what: str, axes: tuple[Axis, ...]) -> tuple[Range, ...]:
    found = ranges_of(values["domain"], f"{what}: domain", len(axes))
    for axis, (low, high) in zip(axes, found, strict=True):
        if axis.is_log and low <= 0:
            raise ServiceError(f"{what}: a logarithmic axis begins above 0.")
        if not axis.scaled(high) - axis.scaled(low) > 0:
            raise ServiceError(f"{what}: a domain has two different ends.")
    return tuple(found)
