"""`bounds.json`: boxes of colours, and where in them a model's classes can be; docs/models.md tells what it holds."""

from functools import lru_cache
from itertools import pairwise
from typing import Any

from .card import LARGEST_CARD, is_number, parsed, read_file, shown
from .model import Model, ModelError

_DEEPEST = 400
"""Trees are walked, and written as SQL, with a call for each level."""


def read_boxes(model: Model) -> dict[str, Any] | None:
    """What a model's `bounds.json` says; None where there is no such file, or it is of another graph.

    Raises ModelError where it is not what `sedsql train` writes: a condition made of it could lose rows.
    """
    file = model.folder / "bounds.json"
    try:
        written = read_file(file, LARGEST_CARD)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(f"The bounds of model {model.name} cannot be read: {error}.") from None
    return _checked(written, str(file), model.sha256, model.bands, len(model.classes))


@lru_cache(maxsize=64)
def _checked(written: bytes, file: str, sha256: str, bands: tuple[str, ...], classes: int) -> dict[str, Any] | None:
    found = parsed(written, f"The file {file}", _DEEPEST)
    if isinstance(found, dict) and isinstance(found.get("sha256"), str) and found["sha256"] != sha256:
        return None
    wrong = _problem(found, sha256, bands, classes)
    if wrong:
        raise ModelError(
            f"The file {file} {wrong}; delete it, which makes queries slower but no different, or train the model."
        )
    return found


def _problem(found: Any, sha256: str, bands: tuple[str, ...], classes: int) -> str | None:
    if not isinstance(found, dict) or found.get("sha256") != sha256:
        return "lacks 'sha256' (text)"
    nodes = found.get("nodes")
    if not is_number(nodes) or nodes < 0:
        return f"needs a number in 'nodes', not {shown(nodes)}"
    if not isinstance(found.get("parts"), list):
        return f"needs a list in 'parts', not {shown(found.get('parts'))}"
    for part in found["parts"]:
        if not isinstance(part, dict):
            return f"needs objects in 'parts', not {shown(part)}"
        names, share = part.get("bands"), part.get("share")
        if not isinstance(names, list) or not names or not all(name in bands for name in names):
            return f"needs bands of the model in 'bands', not {shown(names)}"
        places = [bands.index(name) for name in names]
        if any(a >= b for a, b in pairwise(places)):
            return f"needs each band once in 'bands', in the model's order, not {shown(names)}"
        if not is_number(share) or not 0 <= share <= 1:
            return f"needs a number from 0 to 1 in 'share', not {shown(share)}"
        wrong = _wrong_in(part.get("tree"), len(names), classes)
        if wrong:
            return f"has no tree of boxes in 'tree', but {shown(wrong)} in it"
    return None


def _wrong_in(tree: Any, bands: int, classes: int) -> list[Any]:
    """The first node that is neither `[[i, j, value], yes, no]` nor `[share, lead, lead ...]`, in a list."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list) and len(node) == 3 and isinstance(node[0], list):
            first, *branches = node
            places = [place for place in first[:2] if is_number(place) and place in range(bands)]
            if len(first) != 3 or len(places) != 2 or not is_number(first[2]):
                return [first]
            waiting += branches
        elif not isinstance(node, list) or len(node) != classes + 1 or not all(map(is_number, node)):
            return [node]
    return []
