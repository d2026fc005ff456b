"""Keep the parts of a stored `sed.photometry` that are right, drop others, and rename those whose files were merged."""

from dataclasses import replace

from sedsql.mirror.database import open_mirror
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.stored import joined, photometry
from sedsql.mirror.stored.parts import Part, parts


class Unchanged:
    """Keep the parts of `sed.photometry` while the files of a table are merged, which leaves its rows as they are."""

    def __init__(self, mirror: Mirror):
        self._mirror, self._before = mirror, _right_parts(mirror)

    def rename(self) -> None:
        """Name the parts that were right after the files that the mirror has now, as far as their bounds are the same.

        `Mirror.save` writes that down.
        """
        state = photometry(self._mirror.tables)
        if state is None or not self._before:
            return
        after = {(part.low, part.high): part.name for part in _parts(self._mirror)}
        named = {part.name: after[part.low, part.high] for part in self._before if (part.low, part.high) in after}
        for old, new in named.items():
            if old in state.pieces:
                state.pieces[new] = replace(state.pieces.pop(old), name=new)
        for path, file in state.files.items():
            state.files[path] = replace(file, pieces=tuple(named.get(piece, piece) for piece in file.pieces))


def _right_parts(mirror: Mirror) -> list[Part]:
    state = photometry(mirror.tables)
    return [part for part in _parts(mirror) if part.name in state.pieces] if state else []


def _parts(mirror: Mirror) -> list[Part]:
    if not joined.is_complete(mirror.tables):
        return []
    with open_mirror(mirror.folder) as con:
        return parts(mirror.tables, joined.definition(con))
