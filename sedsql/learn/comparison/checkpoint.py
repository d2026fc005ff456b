"""Keep the finished pieces of a long comparison in its folder, so that a second run continues the first."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sedsql.errors import Error
from sedsql.files.atomic import new_file

_WHAT = "what.json"
_ROWS = "training rows"


class ComparisonError(Error):
    """Raised for a comparison that cannot be made, or not in this folder."""


class Checkpoint:
    """The finished pieces of one comparison, each a dictionary of arrays and of values that JSON can hold.

    Parameters
    ----------
    folder : the folder of the comparison; it is made if it does not exist
    what : numbers and words that identify the comparison; a folder of another comparison is refused
    force : delete the pieces of another comparison instead
    """

    def __init__(self, folder: Path, what: Mapping[str, Any], force: bool = False):
        self.folder = folder / "pieces"
        mark = self.folder / _WHAT
        if folder.exists() and not mark.is_file() and (not folder.is_dir() or any(folder.iterdir())):
            raise ComparisonError(f"{folder} exists and holds no comparison; name another folder with -o.")
        if mark.is_file() and force:
            shutil.rmtree(self.folder)
        if mark.is_file():
            before = json.loads(mark.read_text(encoding="utf-8"))
            changed = [name for name in what if before.get(name) != what[name]]
            if changed == [_ROWS]:
                raise ComparisonError(
                    f"{folder} holds a comparison by another version of sedsql, which makes other training rows from "
                    "this table; name another folder, or start anew with --force."
                )
            if changed:
                changed = [name for name in changed if name != _ROWS]
                raise ComparisonError(
                    f"{folder} holds a comparison with {' and '.join(_said(n, before.get(n)) for n in changed)}, where "
                    f"now it is {' and '.join(_said(name, what[name]) for name in changed)}; "
                    "name another folder, or start anew with --force."
                )
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with new_file(mark) as partial:
            partial.write_text(json.dumps(what) + "\n", encoding="utf-8")

    def __contains__(self, name: str) -> bool:
        return self._path(name).is_file()

    def piece(self, name: str, make: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Read the piece of that name if it is there; otherwise make and keep it."""
        if name not in self:
            made = make()
            arrays = {key: value for key, value in made.items() if isinstance(value, np.ndarray)}
            rest = {key: value for key, value in made.items() if key not in arrays}
            with new_file(self._path(name)) as partial:
                np.savez_compressed(partial, allow_pickle=False, json=np.array(json.dumps(rest)), **arrays)
        with np.load(self._path(name)) as stored:
            arrays = {key: stored[key] for key in stored.files}
        return {**json.loads(str(arrays.pop("json"))), **arrays}

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"


def _said(name: str, value: Any) -> str:
    text = json.dumps(value)
    return f"{name} {text if len(text) < 40 else text[:9].strip(chr(34)) + '…'}"
