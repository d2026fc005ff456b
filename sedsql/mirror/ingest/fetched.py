"""Copy files from object storage to this machine, to be imported: all of each is read, and sometimes twice."""

import errno
import fnmatch
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sedsql.files import TableError
from sedsql.files.errors import StorageError
from sedsql.files.object_storage import store
from sedsql.files.object_storage.addresses import address_of, root_and_key
from sedsql.files.object_storage.store import NoObjectError, Version
from sedsql.mirror import Progress
from sedsql.mirror.manifest import MirrorError

_PART = 16 << 20
"""Bytes that are asked for at a time."""


@contextmanager
def fetched(files: Sequence[str | os.PathLike], progress: Progress) -> Iterator[list[Path]]:
    """Give the paths of files on this machine, absolute; of those at an address, of a copy that lasts for the block.

    The address of a catalogue stays one. `*` and `?` in an address stand for several objects.
    """
    addresses = [address_of(file) for file in files]
    if not any(addresses) or _is_folder(addresses):
        yield [Path(file) if address_of(file) else Path(file).absolute() for file in files]
        return
    versions = {address: list(_versions(address)) for address in addresses if address}
    total, done = sum(version.size for some in versions.values() for version in some), 0
    with TemporaryDirectory(prefix="sedsql-") as folder:
        paths: list[Path] = []
        copied: dict[str, str] = {}
        for number, (file, address) in enumerate(zip(files, addresses, strict=True)):
            for version in versions[address] if address else ():
                paths.append(Path(folder, str(number), version.address.rpartition("/")[2]))
                copied[str(paths[-1])] = version.address
                paths[-1].parent.mkdir(exist_ok=True)
                for part in _copy(version, paths[-1]):
                    done += part
                    progress("copying", done, total)
            if not address:
                paths.append(Path(file).absolute())
        try:
            yield paths
        except (TableError, MirrorError) as error:
            raise type(error)(_named(str(error), copied)) from None


def _named(text: str, copied: dict[str, str]) -> str:
    """Name objects, instead of their copies, in a message."""
    for path, address in copied.items():
        text = text.replace(path, address)
    return text


def _is_folder(addresses: Sequence[str | None]) -> bool:
    """Whether one address is given, and no object has it: then it is a catalogue's."""
    if len(addresses) != 1 or addresses[0] is None or _is_pattern(addresses[0]):
        return False
    if not root_and_key(addresses[0])[1]:
        return True
    try:
        store.head(addresses[0])
    except NoObjectError:
        return True
    return False


def _is_pattern(address: str) -> bool:
    return any(sign in address for sign in "*?")


def _versions(address: str) -> Iterator[Version]:
    if not _is_pattern(address):
        yield store.head(address)
        return
    folder = address[: min(address.find(sign) for sign in "*?" if sign in address)].rpartition("/")[0]
    found = [one for one in store.objects_in(folder) if fnmatch.fnmatchcase(one.address, address)]
    if not found:
        raise TableError(f"No object in {folder} is called {address}")
    yield from found


def _copy(version: Version, path: Path) -> Iterator[int]:
    try:
        with open(path, "wb") as file:
            for start in range(0, version.size, _PART):
                yield file.write(store.read(version, start, min(start + _PART, version.size)))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageError(
                f"The disk of {path.parent.parent.parent} has no room for a copy of {version.address}; TMPDIR names "
                "another folder"
            ) from None
        raise
