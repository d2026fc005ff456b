"""Tell addresses of objects, such as s3://bucket/folder, from paths on this machine."""

import os
import re
from pathlib import Path

_ADDRESS = re.compile(r"(s3|gs|az|https?):(?:/+(.*?))?/*", re.DOTALL | re.IGNORECASE)


def address_of(path: str | os.PathLike[str]) -> str | None:
    """The address that a path is, without a slash at its end; None for a path on this machine.

    `Path("s3://bucket/folder")` is an address too: pathlib makes one slash of two.
    """
    found = _ADDRESS.fullmatch(os.fspath(path))
    return f"{found[1].lower()}://{found[2] or ''}" if found else None


def place_of(path: str | os.PathLike[str]) -> str:
    """The address that a path is, or else the path as it is, for messages."""
    return address_of(path) or os.fspath(path)


def absolute(path: Path) -> Path:
    """The absolute path; an address stays as it is."""
    return path if address_of(path) else path.absolute()


def root_and_key(address: str) -> tuple[str, str]:
    """Split an address into its bucket, or host, and the object's name in it."""
    scheme, _, rest = address.partition("://")
    bucket, _, key = rest.partition("/")
    return f"{scheme}://{bucket}", key
