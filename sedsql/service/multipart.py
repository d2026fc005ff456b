"""Read the parts of a multipart/form-data body as it comes: short ones in memory, tables in files (TAP 1.1, 2.7.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from sedsql.service.errors import ServiceError

IN_MEMORY = 4 << 20
"""Bytes of a part that is no file; a longer one is written to one."""
ALL_IN_MEMORY = 16 << 20
"""Bytes of all parts in memory; those after them are written to files."""
MOST_PARTS = 1000
_HEADER = 1 << 13
"""Bytes of a header of a part."""


@dataclass
class Part:
    """A part of a body: `content`, or the file at `path`."""

    name: str = ""
    is_file: bool = False
    content: bytearray = field(default_factory=bytearray)
    path: Path | None = None

    def text(self) -> str | None:
        """The part as text; None where it is none."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            return None


class Parts:
    """Takes a body block by block; `close` closes the file of one that is cut off.

    Attributes
    ----------
    parts : that came so far
    held : bytes of them in memory
    """

    def __init__(self, boundary: str, new_path: Callable[[], Path]):
        """new_path : gives a path for a file that is not there"""
        self.parts: list[Part] = []
        self._new_path = new_path
        self._file: IO[bytes] | None = None
        self._header, self._value = b"", b""
        self._ended = False
        self.held = 0
        calls: dict[str, Callable[..., None]] = {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_end": self._finish,
        }
        try:
            self._parser = MultipartParser(boundary, calls)  # type: ignore[arg-type]
        except (FormParserError, UnicodeError):
            raise ServiceError("The boundary of the multipart body is not good.") from None

    def take(self, block: bytes) -> None:
        """Take the next block. ServiceError where it is no part of such a body."""
        try:
            self._parser.write(block)
        except FormParserError as error:
            raise ServiceError(f"The body is not the multipart/form-data that its header says: {error}.") from None

    def finish(self) -> list[Part]:
        """The parts of a body that came whole."""
        if not self._ended:
            raise ServiceError("The multipart body ends before its last boundary.")
        return self.parts

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _begin(self) -> None:
        if len(self.parts) >= MOST_PARTS:
            raise ServiceError(f"The body has more than {MOST_PARTS:,} parts.", 413)
        self.parts.append(Part())

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._check_header()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        if len(self._header) + len(self._value) > _HEADER:
            raise ServiceError(f"A part of the body has a header of more than {_HEADER:,} bytes.", 413)

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            message = Message()
            message["Content-Disposition"] = (
                self._value.decode("utf-8", "replace").replace("\r", " ").replace("\n", " ")
            )
            name = message.get_param("name", "", "content-disposition")
            self.parts[-1].name = name if isinstance(name, str) else name[2]
            self.parts[-1].is_file = message.get_filename() is not None
        self._header, self._value = b"", b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self.parts[-1]
        size = end - start
        fits = len(part.content) + size <= IN_MEMORY and self.held + size <= ALL_IN_MEMORY
        if self._file is None and (part.is_file or not fits):
            self._open(part)
        if self._file:
            self._file.write(data[start:end])
        else:
            part.content += data[start:end]
            self.held += size

    def _open(self, part: Part) -> None:
        part.path = self._new_path()
        self._file = part.path.open("xb")
        self._file.write(part.content)
        self.held -= len(part.content)
        part.content.clear()

    def _end(self) -> None:
        part = self.parts[-1]
        if part.is_file and part.path is None:
            self._open(part)
        if self._file:
            self._file.close()
            self._file = None

    def _finish(self) -> None:
        self._ended = True


def to_file(part: Part, new_path: Callable[[], Path]) -> Path:
    """The file of a part, which is written now if it came in memory."""
    if part.path is None:
        part.path = new_path()
        part.path.write_bytes(part.content)
    return part.path
