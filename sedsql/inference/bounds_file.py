"""Read, check and write `bounds.json` of a model's folder; docs/models.md tells what is in it."""

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sedsql.inference.json_checks import is_number, is_whole, list_of, short
from sedsql.inference.model import Model, ModelError
from sedsql.inference.strict_json import parsed_object, read_bytes

LARGEST, DEEPEST = 16 << 20, 300
"""Bytes of the file, and lists within each other: trees are read by a function that calls itself."""
FILE = "bounds.json"

Tree = list[Any]
"""`[[i, j, value], yes, no]`, where magnitude i less magnitude j is at most `value` and where not; or a box: its share
of the sources with these bands, and the greatest log-odds of each class."""


@dataclass(frozen=True)
class BandSet:
    """The boxes of the sources of which these bands are there and no others; `share` of all sources are such."""

    bands: tuple[str, ...]
    share: float
    tree: Tree


@dataclass(frozen=True)
class BoundsFile:
    """What a model's bounds say.

    Attributes
    ----------
    sha256 : of the graph that they are of
    nodes : of its trees
    parts : by set of bands
    """

    sha256: str
    nodes: float
    parts: tuple[BandSet, ...]

    @classmethod
    def read(cls, model: Model) -> "BoundsFile | None":
        """Read the bounds of a model; None where it has none, or those of another graph.

        Raises ModelError, which names the key, for a file that is damaged.
        """
        file = model.folder / FILE
        try:
            return _checked(read_bytes(file, LARGEST), model.sha256, model.bands, len(model.classes))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ModelError(f"The bounds {file} cannot be read: {error.strerror or error}.") from None
        except ValueError as error:
            raise ModelError(f"The bounds {file} {error}; without the file queries are slower, and right.") from None

    def write(self, folder: Path) -> None:
        """Write the file into a model's folder."""
        (folder / FILE).write_text(json.dumps(asdict(self), separators=(",", ":")) + "\n", encoding="utf-8")


@lru_cache(maxsize=64)
def _checked(data: bytes, sha256: str, columns: tuple[str, ...], classes: int) -> BoundsFile | None:
    written = parsed_object(data, DEEPEST)
    if not isinstance(written.get("sha256"), str):
        raise ValueError("lacks 'sha256' (str)")
    if written["sha256"] != sha256:
        return None
    _check(written, columns, classes)
    parts = tuple(BandSet(tuple(part["bands"]), part["share"], part["tree"]) for part in written["parts"])
    return BoundsFile(sha256, written["nodes"], parts)


def _check(written: dict[str, Any], columns: tuple[str, ...], classes: int) -> None:
    """Raise ValueError, half a sentence, for what is not as it should be."""
    if not is_number(written.get("nodes")) or written["nodes"] <= 0:
        raise ValueError(f"needs a number above 0 in 'nodes', not {short(written.get('nodes'))}")
    if not list_of(lambda part: isinstance(part, dict))(written.get("parts")):
        raise ValueError(f"needs a list of objects in 'parts', not {short(written.get('parts'))}")
    for part in written["parts"]:
        bands, share = part.get("bands"), part.get("share")
        if not list_of(lambda band: band in columns)(bands) or not bands or len(set(bands)) < len(bands):
            raise ValueError(f"needs bands of the model in 'parts', 'bands', not {short(bands)}")
        if not is_number(share) or not 0 < share <= 1:
            raise ValueError(f"needs a number from 0 to 1 in 'parts', 'share', not {short(share)}")
        _check_tree(part.get("tree"), len(bands), classes)


def _check_tree(tree: Any, bands: int, classes: int) -> None:
    layer = [tree]
    while layer:
        below: list[Any] = []
        for node in layer:
            if isinstance(node, list) and node and isinstance(node[0], list):
                if len(node) != 3 or not _is_cut(node[0], bands):
                    raise ValueError(f"needs a cut and two branches in 'parts', 'tree', not {short(node)}")
                below += node[1:]
            elif not list_of(is_number)(node) or len(node) != 1 + classes:
                raise ValueError(f"needs a share and {classes} log-odds in a box of 'parts', 'tree', not {short(node)}")
        layer = below


def _is_cut(cut: list, bands: int) -> bool:
    """Tell whether it is [i, j, value]: is magnitude i less magnitude j at most the value?"""
    return len(cut) == 3 and is_number(cut[2]) and all(is_whole(place) and 0 <= place < bands for place in cut[:2])
